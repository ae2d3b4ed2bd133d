//! Pages of settings. Each form does what a call of the API does, by the same function and through the same gate.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Form, Path};
use axum::response::{IntoResponse as _, Redirect, Response};
use casemate_audit_log::model::{NO_ID, Role, SpaceState};
use casemate_web::layout;
use casemate_web::settings::{
    self, Content, Environment, Key, Secret, Section, Settings, Space, Subject, Target,
};

use super::{html, viewer};
use crate::api::body::Body;
use crate::api::directory::keys::{self, NewKey};
use crate::api::directory::places::{self, EnvironmentView, Named};
use crate::api::directory::subjects::{self, NewServiceAccount, NewUser, SubjectUpdate, SubjectView};
use crate::api::directory::targets::{self, NewTarget, TargetUpdate, TargetView};
use crate::error::ApiError;
use crate::who::{Action, Caller, Gate, Reach};

/// What stands in a form.
type Said = HashMap<String, String>;

/// What is needed to see a section, and to change it.
const fn actions(section: Section) -> (Action, Action) {
    match section {
        Section::People => (Action::ListSubjects, Action::ChangeSubject),
        Section::Keys => (Action::ListKeys, Action::CreateKey),
        Section::Targets => (Action::ListTargets, Action::ChangeTarget),
        Section::Environments => (Action::ListEnvironments, Action::ChangeEnvironments),
        Section::Spaces => (Action::ListSpaces, Action::ChangeSpaces),
    }
}

fn may(action: Action, role: Role) -> bool {
    matches!(action.reach(role), Reach::All | Reach::Own)
}

/// The sections that somebody may see.
fn sections(role: Role) -> Vec<Section> {
    Section::ALL.into_iter().filter(|section| may(actions(*section).0, role)).collect()
}

/// To the first section.
pub(super) async fn first(gate: Gate) -> Result<Redirect, ApiError> {
    let caller = gate.who().ok_or_else(ApiError::unauthenticated)?;
    let first = sections(caller.role).into_iter().next();
    let first = first.ok_or_else(|| ApiError::forbidden("there are no settings for an agent"))?;
    gate.is_public();
    Ok(Redirect::to(&first.path()))
}

/// A section.
pub(super) async fn page(gate: Gate, Path(name): Path<String>) -> Result<Response, ApiError> {
    show(&gate, named(&name)?, None).await
}

/// The section of a name.
fn named(name: &str) -> Result<Section, ApiError> {
    Section::named(name).ok_or_else(|| ApiError::not_found("page"))
}

async fn show(gate: &Gate, section: Section, secret: Option<Secret>) -> Result<Response, ApiError> {
    let caller = gate.who().ok_or_else(ApiError::unauthenticated)?;
    let content = content(gate, caller, section).await?;
    let changes = may(actions(section).1, caller.role).then(|| caller.csrf.clone().unwrap_or_default());
    let settings = Settings { section, sections: sections(caller.role), content, changes, secret };
    Ok(html(layout::page(settings::TITLE, settings::ROOT, &viewer(caller), &settings::page(&settings))))
}

async fn content(gate: &Gate, caller: &Caller, section: Section) -> Result<Content, ApiError> {
    let subject = |view: SubjectView| subject(view, caller);
    Ok(match section {
        Section::People => {
            let Json(people) = subjects::users(gate.clone()).await?;
            Content::People(people.into_iter().map(subject).collect())
        }
        Section::Keys => {
            let Json(keys) = keys::keys(gate.clone()).await?;
            let Json(accounts) = subjects::service_accounts(gate.clone()).await?;
            let targets = targets::seen(gate, None).await?;
            let keys = keys.into_iter().map(|key| Key {
                id: key.id,
                name: key.name,
                role: key.role,
                target: key.target_id,
                created: key.time_created,
                used: key.last_used,
            });
            let targets = targets.into_iter().map(|target| (target.id.to_string(), target.name));
            Content::Keys {
                accounts: accounts.into_iter().map(subject).collect(),
                keys: keys.collect(),
                targets: targets.collect(),
            }
        }
        Section::Targets => {
            let targets = targets::seen(gate, None).await?;
            Content::Targets {
                targets: targets.iter().map(|found| target(TargetView::of(found))).collect(),
                environments: environments(gate).await?,
            }
        }
        Section::Environments => Content::Environments(environments(gate).await?),
        Section::Spaces => {
            let Json(spaces) = places::spaces(gate.clone()).await?;
            let owners = owners(gate, caller).await?;
            let spaces = spaces.into_iter().map(|space| Space {
                owner: owners.get(&space.owner_id).cloned().unwrap_or(space.owner_id),
                id: space.id,
                name: space.display_name,
                state: space.state.name(),
                is_open: space.state != SpaceState::Closed,
                created: space.time_created,
            });
            Content::Spaces(spaces.collect())
        }
    })
}

/// Names of whoever can have a space, by their ids: all, or only of who looks.
async fn owners(gate: &Gate, caller: &Caller) -> Result<HashMap<String, String>, ApiError> {
    let mut owners = HashMap::from([(caller.id.to_string(), caller.subject.subject_name.clone())]);
    if may(Action::ListSubjects, caller.role) {
        let Json(all) = subjects::subjects(gate.clone()).await?;
        owners.extend(all.into_iter().map(|one| (one.id, one.email)));
    }
    Ok(owners)
}

async fn environments(gate: &Gate) -> Result<Vec<Environment>, ApiError> {
    let Json(environments) = places::environments(gate.clone()).await?;
    let environment =
        |EnvironmentView { id, name, time_created, .. }| Environment { id, name, created: time_created };
    Ok(environments.into_iter().map(environment).collect())
}

fn subject(view: SubjectView, caller: &Caller) -> Subject {
    Subject {
        is_me: view.id == caller.id.to_string(),
        id: view.id,
        name: view.email,
        full_name: view.full_name,
        role: view.role,
        is_enabled: view.enabled,
        // A program has a key instead.
        has_password: view.has_password || view.kind != casemate_audit_log::model::SubjectType::User,
        created: view.time_created,
        seen: view.last_login,
    }
}

fn target(view: TargetView) -> Target {
    Target {
        id: view.id,
        name: view.name,
        kind: view.kind.name(),
        status: view.status.name(),
        environment: Some(view.environment_id).filter(|id| id != NO_ID),
        created: view.time_created,
        seen: view.last_agent_update,
    }
}

/// A field of a form, if somebody has filled it in.
fn field(said: &mut Said, name: &str) -> Option<String> {
    said.remove(name).filter(|value| !value.is_empty())
}

fn role(said: &mut Said) -> Result<Option<Role>, ApiError> {
    let role = field(said, "role").map(|role| role.parse());
    role.transpose().map_err(|error| ApiError::field("role", format!("{error}")))
}

/// Adds something.
pub(super) async fn add(
    gate: Gate,
    Path(name): Path<String>,
    Form(mut said): Form<Said>,
) -> Result<Response, ApiError> {
    let section = named(&name)?;
    gate.prove(said.get("csrf").map(String::as_str).unwrap_or_default());
    let text = |said: &mut Said, name: &str| said.remove(name).unwrap_or_default();
    let what = text(&mut said, "what");
    let secret = match (section, what.as_str()) {
        (Section::People, _) => {
            let (email, full_name) = (text(&mut said, "email"), field(&mut said, "fullName"));
            let new = NewUser { email, full_name, role: role(&mut said)? };
            let (_, Json(made)) = subjects::add_user(gate.clone(), Body(new)).await?;
            Some(link(&made.user.email, made.link))
        }
        (Section::Keys, "service-account") => {
            let new = NewServiceAccount { email: text(&mut said, "email"), role: role(&mut said)? };
            let (_, Json(made)) = subjects::add_service_account(gate.clone(), Body(new)).await?;
            Some(key(&made.service_account_summary.email, made.secret))
        }
        (Section::Keys, _) => {
            let (name, role) = (text(&mut said, "name"), role(&mut said)?);
            let new = NewKey { name, role, target_id: None, is_registration_key: false };
            let (_, Json(made)) = keys::add(gate.clone(), Body(new)).await?;
            Some(key(&made.api_key_details.name, made.secret))
        }
        (Section::Targets, _) => {
            let name = text(&mut said, "targetName");
            let new =
                NewTarget { target_name: name.clone(), environment_id: field(&mut said, "environmentId") };
            let (_, Json(made)) = match text(&mut said, "kind").as_str() {
                "bzero" => targets::add_host(gate.clone(), Body(new)).await?,
                "kube" => targets::add_cluster(gate.clone(), Body(new)).await?,
                _ => return Err(ApiError::field("kind", "it has to be `bzero` or `kube`")),
            };
            Some(Secret {
                what: format!("The key of the agent of {}", name.trim()),
                hint: "The agent of that target sends it as X-API-KEY.".to_owned(),
                secret: made.agent_key,
            })
        }
        (Section::Environments, _) => {
            let new = Named { name: text(&mut said, "name") };
            drop(places::add_environment(gate.clone(), Body(new)).await?);
            None
        }
        (Section::Spaces, _) => {
            drop(places::add_space(gate.clone(), Body(Named { name: text(&mut said, "name") })).await?);
            None
        }
    };
    done(&gate, section, secret).await
}

fn link(name: &str, link: String) -> Secret {
    let what = format!("The link for {name}");
    Secret {
        what,
        hint: "With it they set their password, once, within seven days.".to_owned(),
        secret: link,
    }
}

fn key(name: &str, secret: String) -> Secret {
    let what = format!("The secret of {name}");
    Secret { what, hint: "Programs send it as X-API-KEY.".to_owned(), secret }
}

/// A secret is shown; where there is none, the page that a browser can load again.
async fn done(gate: &Gate, section: Section, secret: Option<Secret>) -> Result<Response, ApiError> {
    match secret {
        Some(secret) => show(gate, section, Some(secret)).await,
        None => Ok(Redirect::to(&section.path()).into_response()),
    }
}

/// Does something with what there is.
pub(super) async fn act(
    gate: Gate,
    Path((name, id, act)): Path<(String, String, String)>,
    Form(mut said): Form<Said>,
) -> Result<Response, ApiError> {
    let section = named(&name)?;
    gate.prove(said.get("csrf").map(String::as_str).unwrap_or_default());
    let to = gate.clone();
    let mut secret = None;
    match (section, act.as_str()) {
        (Section::People, "link") => {
            let (_, Json(made)) = subjects::new_link(to, Path(id)).await?;
            secret = Some(link(&made.user.email, made.link));
        }
        (Section::People | Section::Keys, "change") => {
            let enabled = field(&mut said, "enabled").map(|enabled| enabled == "true");
            let update = SubjectUpdate { full_name: None, role: field(&mut said, "role"), enabled };
            drop(subjects::change(to, Path(id), Body(update)).await?);
        }
        (Section::People, "delete") => drop(subjects::delete_user(to, Path(id)).await?),
        (Section::Keys, "delete") => {
            // A service account goes with its keys.
            let uuid = crate::app::id("key", &id)?;
            match gate.app.directory.key(uuid).await? {
                Some(_) => drop(keys::delete(to, Path(id)).await?),
                None => drop(subjects::delete_service_account(to, Path(id)).await?),
            }
        }
        (Section::Targets, "change") => {
            let environment_id = Some(said.remove("environmentId").unwrap_or_default());
            let update = TargetUpdate { target_name: field(&mut said, "targetName"), environment_id };
            drop(targets::change(to, Path(id), Body(update)).await?);
        }
        (Section::Targets, "delete") => drop(targets::delete(to, Path(id)).await?),
        (Section::Environments, "change") => {
            let named = Named { name: said.remove("name").unwrap_or_default() };
            drop(places::rename_environment(to, Path(id), Body(named)).await?);
        }
        (Section::Environments, "delete") => drop(places::delete_environment(to, Path(id)).await?),
        (Section::Spaces, "delete") => drop(places::close_space(to, Path(id)).await?),
        _ => return Err(ApiError::not_found("page")),
    }
    done(&gate, section, secret).await
}

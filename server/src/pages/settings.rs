//! Pages of settings. Each form does what a call of the API does, by the same function and through the same gate.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Form, Path};
use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use casemate_audit_log::model::{Role, SpaceState, SubjectType};
use casemate_audit_store::directory::{Called, Part};
use casemate_web::layout;
use casemate_web::settings::{
    self, Asked, Content, Environment, Key, OFFERED, ROWS, Secret, Section, Settings, Space, Subject, Target,
};
use uuid::Uuid;

use super::{html, viewer};
use crate::api::body::Body;
use crate::api::directory::LONGEST;
use crate::api::directory::keys::{self, NewKey};
use crate::api::directory::places::{self, Named};
use crate::api::directory::subjects::{self, NewServiceAccount, NewUser, SubjectUpdate, SubjectView};
use crate::api::directory::targets::{self, NewTarget, TargetUpdate};
use crate::api::question::only;
use crate::error::ApiError;
use crate::who::{Action, Caller, Gate, Reach};

/// Behind what a part of a list stands is not longer: a name, which may be a mail address, and an id.
const LONGEST_PLACE: usize = 254 + 1 + 36;

/// What stands in a form.
type Said = HashMap<String, String>;

/// What is needed to see a section, and to change it.
const fn actions(section: Section) -> (Action, Action) {
    match section {
        Section::People | Section::Accounts => (Action::ListSubjects, Action::ChangeSubject),
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
pub(super) async fn page(gate: Gate, Path(name): Path<String>, uri: Uri) -> Result<Response, ApiError> {
    show(&gate, named(&name)?, asked(&gate, &uri)?, None).await
}

/// The section of a name.
fn named(name: &str) -> Result<Section, ApiError> {
    Section::named(name).ok_or_else(|| ApiError::not_found("page"))
}

/// Which part of a section somebody asks for by an address.
fn asked(gate: &Gate, uri: &Uri) -> Result<Asked, ApiError> {
    gate.who().ok_or_else(ApiError::unauthenticated)?;
    let [text, after] = only(uri, ["text", "after"])?;
    let text = text.unwrap_or_default();
    let after = after.filter(|after| !after.is_empty());
    for (field, said, longest) in [("text", Some(&text), LONGEST), ("after", after.as_ref(), LONGEST_PLACE)] {
        if said.is_some_and(|said| said.chars().count() > longest) {
            return Err(ApiError::field(field, format!("it is longer than {longest} characters")));
        }
    }
    Ok(Asked { text: text.trim().to_owned(), after })
}

async fn show(
    gate: &Gate,
    section: Section,
    asked: Asked,
    secret: Option<Secret>,
) -> Result<Response, ApiError> {
    let caller = gate.who().ok_or_else(ApiError::unauthenticated)?;
    let (content, more) = content(gate, caller, section, &asked).await?;
    let changes = may(actions(section).1, caller.role).then(|| caller.csrf.clone().unwrap_or_default());
    let sections = sections(caller.role);
    let settings = Settings { section, sections, asked, content, more, changes, secret };
    Ok(html(layout::page(settings::TITLE, settings::ROOT, &viewer(caller), &settings::page(&settings))))
}

/// The part of a list that an address asks for, and one more, so that it is known whether there is.
fn part(asked: &Asked) -> Part {
    let behind = asked.after.as_deref().map(|after| match after.rsplit_once('.') {
        Some((name, id)) if id.parse::<Uuid>().is_ok() => (name.to_owned(), id.parse().ok()),
        _ => (after.to_owned(), None),
    });
    Part { text: asked.text.clone(), behind, limit: ROWS + 1 }
}

/// Leaves as many as a page has, and says behind which there are more.
fn cut<T>(rows: &mut Vec<T>, place: impl Fn(&T) -> (&str, String)) -> Option<String> {
    let has_more = rows.len() > ROWS;
    rows.truncate(ROWS);
    rows.last().filter(|_| has_more).map(place).map(|(name, id)| format!("{name}.{id}"))
}

/// What a page shows, and where there is more.
async fn content(
    gate: &Gate,
    caller: &Caller,
    section: Section,
    asked: &Asked,
) -> Result<(Content, Option<String>), ApiError> {
    let (part, directory) = (part(asked), &gate.app.directory);
    Ok(match section {
        Section::People | Section::Accounts => {
            let is_people = section == Section::People;
            let kind = if is_people { SubjectType::User } else { SubjectType::ServiceAccount };
            let mut found = subjects::some(gate, kind, &part).await?;
            let more = cut(&mut found, |one| (&one.email, one.id.clone()));
            let found = found.into_iter().map(|view| subject(view, caller)).collect();
            (if is_people { Content::People(found) } else { Content::Accounts(found) }, more)
        }
        Section::Keys => {
            let mut found = keys::some(gate, &part).await?;
            let more = cut(&mut found, |key| (&key.name, key.id.to_string()));
            let ids: Vec<_> = found.iter().filter_map(|key| key.target).collect();
            let targets = known(gate, caller, Action::ListTargets, Called::Targets, &ids).await?;
            let key = |key: casemate_audit_store::directory::Key| Key {
                id: key.id.to_string(),
                name: key.name,
                role: key.role,
                target: key.target.and_then(|target| targets.get(&target).cloned()),
                created: key.created,
                used: key.last_used,
            };
            (Content::Keys(found.into_iter().map(key).collect()), more)
        }
        Section::Targets => {
            let mut found = targets::some(gate, &part).await?;
            let more = cut(&mut found, |target| (&target.name, target.id.to_string()));
            let offered = Part { limit: OFFERED, ..Part::default() };
            let environments = places::some_environments(gate, &offered).await?;
            let environments = environments.into_iter().map(|one| one.name).collect();
            let ids: Vec<_> = found.iter().filter_map(|target| target.environment).collect();
            let names = directory.names(Called::Environments, &ids).await?;
            let target = |target: casemate_audit_store::directory::Target| Target {
                id: target.id.to_string(),
                name: target.name,
                kind: target.kind.name(),
                status: target.agent_status.name(),
                environment: target.environment.and_then(|id| names.get(&id).cloned()),
                created: target.created,
                seen: target.agent_seen,
            };
            (Content::Targets { targets: found.into_iter().map(target).collect(), environments }, more)
        }
        Section::Environments => {
            let mut found = places::some_environments(gate, &part).await?;
            let more = cut(&mut found, |one| (&one.name, one.id.to_string()));
            let found = found.into_iter().map(|one| Environment {
                id: one.id.to_string(),
                name: one.name,
                created: one.created,
            });
            (Content::Environments(found.collect()), more)
        }
        Section::Spaces => {
            let mut found = places::some_spaces(gate, &part).await?;
            let more = cut(&mut found, |space| (&space.name, space.id.to_string()));
            let ids: Vec<_> = found.iter().map(|space| space.owner).collect();
            let mut owners = known(gate, caller, Action::ListSubjects, Called::Subjects, &ids).await?;
            owners.insert(caller.id, caller.subject.subject_name.clone());
            let space = |space: casemate_audit_store::directory::Space| Space {
                owner: owners.get(&space.owner).cloned().unwrap_or_else(|| space.owner.to_string()),
                id: space.id.to_string(),
                name: space.name,
                state: space.state.name(),
                is_open: space.state != SpaceState::Closed,
                created: space.created,
            };
            (Content::Spaces(found.into_iter().map(space).collect()), more)
        }
    })
}

/// Names of what rows refer to, for whoever may list all of that.
async fn known(
    gate: &Gate,
    caller: &Caller,
    action: Action,
    of: Called,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, String>, ApiError> {
    if action.reach(caller.role) != Reach::All {
        return Ok(HashMap::new());
    }
    Ok(gate.app.directory.names(of, ids).await?)
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
        has_password: view.has_password || view.kind != SubjectType::User,
        created: view.time_created,
        seen: view.last_login,
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
    uri: Uri,
    Form(mut said): Form<Said>,
) -> Result<Response, ApiError> {
    let (section, asked) = (named(&name)?, asked(&gate, &uri)?);
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
        (Section::Accounts, _) => {
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
            let environment_id = environment(&gate, &mut said).await?;
            let new = NewTarget { target_name: name.clone(), environment_id };
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
    done(&gate, section, asked, secret).await
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
async fn done(
    gate: &Gate,
    section: Section,
    asked: Asked,
    secret: Option<Secret>,
) -> Result<Response, ApiError> {
    match secret {
        Some(secret) => show(gate, section, asked, Some(secret)).await,
        None => Ok(Redirect::to(&asked.address(&section.path())).into_response()),
    }
}

/// The id of the environment that a form names; nothing where it names none. One that there is not has an id that nothing has: that
/// is said behind the gate.
async fn environment(gate: &Gate, said: &mut Said) -> Result<Option<String>, ApiError> {
    let Some(named) = field(said, "environment") else { return Ok(None) };
    let found = gate.app.directory.environment_named(named.trim()).await?;
    Ok(Some(found.map_or(Uuid::max(), |found| found.id).to_string()))
}

/// Does something with what there is.
pub(super) async fn act(
    gate: Gate,
    Path((name, id, act)): Path<(String, String, String)>,
    uri: Uri,
    Form(mut said): Form<Said>,
) -> Result<Response, ApiError> {
    let (section, asked) = (named(&name)?, asked(&gate, &uri)?);
    gate.prove(said.get("csrf").map(String::as_str).unwrap_or_default());
    let to = gate.clone();
    let mut secret = None;
    match (section, act.as_str()) {
        (Section::People, "link") => {
            let (_, Json(made)) = subjects::new_link(to, Path(id)).await?;
            secret = Some(link(&made.user.email, made.link));
        }
        (Section::People | Section::Accounts, "change") => {
            let enabled = field(&mut said, "enabled").map(|enabled| enabled == "true");
            let update = SubjectUpdate { full_name: None, role: field(&mut said, "role"), enabled };
            drop(subjects::change(to, Path(id), Body(update)).await?);
        }
        (Section::People, "delete") => drop(subjects::delete_user(to, Path(id)).await?),
        (Section::Accounts, "delete") => drop(subjects::delete_service_account(to, Path(id)).await?),
        (Section::Keys, "delete") => drop(keys::delete(to, Path(id)).await?),
        (Section::Targets, "change") => {
            let environment_id = Some(environment(&gate, &mut said).await?.unwrap_or_default());
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
    done(&gate, section, asked, secret).await
}

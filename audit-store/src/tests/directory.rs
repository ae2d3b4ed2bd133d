//! Who and what there is.

use casemate_audit_log::Time;
use casemate_audit_log::model::{
    AgentStatus, AgentStatusChangeEvent, Event, Log, Role, SpaceState, SubjectType, TargetType,
};
use uuid::Uuid;

use super::in_both;
use crate::directory::{Called, Link, NewSubject, Part, Purpose, SetUp, SignIn, Space, SubjectChange};
use crate::{Batch, Database, Digest, Directory, Journal, Page, StoreError};

const MINUTE: i64 = 60_000_000;

async fn open(database: &Database) -> Directory {
    Directory::open(database, "org", Time(1)).await.unwrap()
}

fn person(name: &str, role: Role) -> NewSubject {
    let full_name = Some("Alice".into());
    NewSubject {
        kind: SubjectType::User,
        name: name.into(),
        full_name,
        role,
        password: Some("$argon2id$".into()),
    }
}

fn is_taken<T>(result: Result<T, StoreError>, message: &str) {
    let error = result.map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Taken { .. }), "{error:?}");
    assert_eq!(error.to_string(), message);
}

#[test]
fn there_is_one_organisation_however_many_servers_begin() {
    in_both(async |database| {
        let opening: Vec<_> = (0..4)
            .map(|number| {
                let database = database.clone();
                tokio::spawn(
                    async move { Directory::open(&database, &format!("org {number}"), Time(1)).await },
                )
            })
            .collect();
        let mut ids = Vec::new();
        for opening in opening {
            ids.push(opening.await.unwrap().unwrap().organization_id());
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
        let directory = open(&database).await;
        directory.rename_organization("Other").await.unwrap();
        let there = directory.organization().await.unwrap();
        assert_eq!((there.id, &*there.name), (ids[0], "Other"));
    });
}

#[test]
fn who_is_deleted_stays_and_whoever_has_the_name_later_is_another() {
    in_both(async |database| {
        let directory = open(&database).await;
        let first = directory.add_subject(person("a@org.com", Role::Auditor), Time(2)).await.unwrap();
        assert_eq!(directory.subject(first.id).await.unwrap().as_ref(), Some(&first));
        is_taken(
            directory.add_subject(person("a@org.com", Role::User), Time(3)).await,
            "there is user `a@org.com` already",
        );
        assert_eq!(directory.ensure_subject(SubjectType::User, "a@org.com", Time(3)).await.unwrap(), first);
        let key = directory.add_key(&first, "laptop", Digest([1; 32]), Time(3)).await.unwrap();
        assert_eq!(directory.holder(Digest([1; 32])).await.unwrap(), Some((key, first.clone())));

        let gone = directory.delete_subject(first.id, Time(4)).await.unwrap().unwrap();
        assert_eq!((gone.deleted, gone.is_active(), gone.password), (Some(Time(4)), false, None));
        assert_eq!(directory.delete_subject(first.id, Time(5)).await.unwrap(), None, "once");
        assert_eq!(directory.holder(Digest([1; 32])).await.unwrap(), None);
        let change = SubjectChange { role: Some(Role::Administrator), ..SubjectChange::default() };
        assert_eq!(directory.change_subject(first.id, change).await.unwrap(), None);
        assert_eq!(directory.subject_named(SubjectType::User, "a@org.com").await.unwrap(), None);

        let second = directory.ensure_subject(SubjectType::User, "a@org.com", Time(6)).await.unwrap();
        assert_ne!(second.id, first.id);
        assert_eq!((second.role, &second.password), (Role::User, &None));
        assert_eq!(directory.subjects(SubjectType::User).await.unwrap(), [second]);
        assert_eq!(directory.subject(first.id).await.unwrap().unwrap().name, "a@org.com");
    });
}

#[test]
fn whoever_gets_another_password_or_is_disabled_is_signed_out() {
    in_both(async |database| {
        let directory = open(&database).await;
        let subject = directory.add_subject(person("a@org.com", Role::User), Time(2)).await.unwrap();
        let cookie = Digest([1; 32]);
        let sign_in =
            SignIn { cookie, subject: subject.id, csrf: "token".into(), created: Time(3), expires: Time(10) };
        let changed = |change| directory.change_subject(subject.id, change);
        directory.sign_in(&sign_in).await.unwrap();
        assert_eq!(
            directory.signed_in(cookie, Time(9)).await.unwrap(),
            Some((sign_in.clone(), subject.clone()))
        );
        assert_eq!(directory.signed_in(cookie, Time(10)).await.unwrap(), None, "its time is over");
        assert_eq!(directory.signed_in(Digest([2; 32]), Time(9)).await.unwrap(), None);
        let role = SubjectChange { role: Some(Role::Auditor), ..SubjectChange::default() };
        assert_eq!(changed(role).await.unwrap().unwrap().role, Role::Auditor);
        assert!(directory.signed_in(cookie, Time(9)).await.unwrap().is_some());

        let password = SubjectChange { password: Some("other".into()), ..SubjectChange::default() };
        assert_eq!(changed(password).await.unwrap().unwrap().password.as_deref(), Some("other"));
        assert_eq!(directory.signed_in(cookie, Time(9)).await.unwrap(), None);
        directory.sign_in(&sign_in).await.unwrap();
        let disabled = SubjectChange { is_enabled: Some(false), ..SubjectChange::default() };
        assert!(!changed(disabled).await.unwrap().unwrap().is_active());
        let enabled = SubjectChange { is_enabled: Some(true), ..SubjectChange::default() };
        assert!(changed(enabled).await.unwrap().unwrap().is_active());
        assert_eq!(directory.signed_in(cookie, Time(9)).await.unwrap(), None, "it does not come back");

        directory.sign_in(&sign_in).await.unwrap();
        assert!(directory.sign_out(cookie).await.unwrap());
        assert!(!directory.sign_out(cookie).await.unwrap());
        directory.sign_in(&sign_in).await.unwrap();
        assert_eq!(directory.forget_expired(Time(9)).await.unwrap(), 0);
        assert_eq!(directory.forget_expired(Time(10)).await.unwrap(), 1);
    });
}

#[test]
fn a_link_is_used_once_by_one_of_many() {
    in_both(async |database| {
        let directory = open(&database).await;
        assert!(!directory.has_administrator().await.unwrap());
        let link = |number: u8, purpose, subject| Link {
            link: Digest([number; 32]),
            purpose,
            subject,
            created: Time(2),
            expires: Time(10),
        };
        let said = |name: &str| SetUp { password: "hash".into(), name: Some(name.into()), full_name: None };
        // Two servers have given out a link each, and each is used twice at once.
        for number in [1, 2] {
            directory.add_link(&link(number, Purpose::Administrator, None)).await.unwrap();
        }
        assert!(directory.link(Digest([1; 32]), Time(9)).await.unwrap().is_some());
        assert_eq!(directory.set_up(Digest([1; 32]), said("late"), Time(10)).await.unwrap(), None);
        assert_eq!(directory.set_up(Digest([9; 32]), said("wrong"), Time(9)).await.unwrap(), None);
        let using: Vec<_> = [1, 1, 2, 2]
            .into_iter()
            .map(|number: u8| {
                let (directory, said) = (directory.clone(), said("admin@org.com"));
                tokio::spawn(async move { directory.set_up(Digest([number; 32]), said, Time(9)).await })
            })
            .collect();
        let mut administrators = Vec::new();
        for using in using {
            administrators.extend(using.await.unwrap().unwrap());
        }
        assert_eq!(administrators.len(), 1);
        assert_eq!(directory.subjects(SubjectType::User).await.unwrap(), administrators);
        assert!(directory.has_administrator().await.unwrap());

        let subject = directory.ensure_subject(SubjectType::User, "b@org.com", Time(3)).await.unwrap();
        directory.add_link(&link(3, Purpose::Password, Some(subject.id))).await.unwrap();
        let set = directory.set_up(Digest([3; 32]), said("ignored"), Time(9)).await.unwrap().unwrap();
        assert_eq!((&*set.name, set.role, set.password.as_deref()), ("b@org.com", Role::User, Some("hash")));
        assert_eq!(directory.set_up(Digest([3; 32]), said("again"), Time(9)).await.unwrap(), None);
        directory.add_link(&link(4, Purpose::Password, Some(subject.id))).await.unwrap();
        directory.delete_subject(subject.id, Time(5)).await.unwrap();
        assert_eq!(directory.link(Digest([4; 32]), Time(9)).await.unwrap(), None);
    });
}

#[test]
fn a_person_who_was_only_recorded_can_become_the_first_administrator() {
    in_both(async |database| {
        let directory = open(&database).await;
        let known = directory.ensure_subject(SubjectType::User, "a@org.com", Time(2)).await.unwrap();
        let (purpose, link) = (Purpose::Administrator, Digest([1; 32]));
        let given = Link { link, purpose, subject: None, created: Time(2), expires: Time(9) };
        directory.add_link(&given).await.unwrap();
        let said = SetUp { password: "hash".into(), name: Some("a@org.com".into()), full_name: None };
        let set = directory.set_up(link, said, Time(3)).await.unwrap().unwrap();
        assert_eq!((set.id, set.role), (known.id, Role::Administrator));
    });
}

#[test]
fn keys_are_found_by_their_secret_until_they_are_deleted() {
    in_both(async |database| {
        let directory = open(&database).await;
        let target = directory.add_target(TargetType::Bzero, "web-1", None, Time(2)).await.unwrap();
        let secret = Digest([1; 32]);
        let add = |name, secret| directory.add_api_key(name, Role::Agent, secret, Some(target.id), Time(3));
        let key = add("agent of web-1", secret).await.unwrap();
        is_taken(add("agent of web-1", Digest([2; 32])).await, "there is API key `agent of web-1` already");
        let (found, subject) = directory.holder(secret).await.unwrap().unwrap();
        assert_eq!((&found, subject.id, subject.kind), (&key, key.id, SubjectType::ApiKey));
        directory.used(&key, Time(4)).await.unwrap();
        let used = directory.key(key.id).await.unwrap().unwrap();
        assert_eq!(used.last_used, Some(Time(4)));
        directory.used(&used, Time(4 + MINUTE - 1)).await.unwrap();
        assert_eq!(directory.keys().await.unwrap(), std::slice::from_ref(&used), "not each time");
        directory.used(&used, Time(4 + MINUTE)).await.unwrap();
        assert_eq!(directory.key(key.id).await.unwrap().unwrap().last_used, Some(Time(4 + MINUTE)));

        assert!(directory.delete_key(key.id, Time(5)).await.unwrap().is_some());
        assert_eq!(directory.delete_key(key.id, Time(5)).await.unwrap(), None);
        assert_eq!(directory.holder(secret).await.unwrap(), None);
        assert_eq!(directory.subject(key.id).await.unwrap().unwrap().deleted, Some(Time(5)));
        let again = add("agent of web-1", secret).await.unwrap();
        assert_ne!(again.id, key.id);
        directory.delete_target(target.id, Time(6)).await.unwrap().unwrap();
        assert_eq!(directory.holder(secret).await.unwrap(), None, "it was for that target");
        let agent = directory.subject(again.id).await.unwrap().unwrap();
        assert_eq!(
            agent.deleted,
            Some(Time(6)),
            "its name is free for the agent of the next target of that name"
        );
        let web = directory.add_target(TargetType::Bzero, "web-1", None, Time(7)).await.unwrap();
        let key = directory.add_api_key("agent of web-1", Role::Agent, secret, Some(web.id), Time(7)).await;
        assert_eq!(directory.holder(secret).await.unwrap().unwrap().0, key.unwrap());
    });
}

#[test]
fn targets_have_one_name_among_the_living() {
    in_both(async |database| {
        let directory = open(&database).await;
        let prod = directory.add_environment("prod", Time(2)).await.unwrap();
        is_taken(directory.add_environment("prod", Time(2)).await, "there is environment `prod` already");
        let web = directory.add_target(TargetType::Bzero, "web-1", Some(prod.id), Time(2)).await.unwrap();
        is_taken(
            directory.add_target(TargetType::Cluster, "web-1", None, Time(3)).await,
            "there is target `web-1` already",
        );
        let ensured = directory.ensure_target(TargetType::Bzero, "web-1", Time(3)).await.unwrap();
        assert_eq!(ensured, web);
        let eks = directory.ensure_target(TargetType::Cluster, "eks\0", Time(3)).await.unwrap();
        assert_eq!(directory.ensure_target(TargetType::Cluster, "eks\0", Time(3)).await.unwrap().id, eks.id);
        assert_eq!(directory.targets(Some(TargetType::Bzero)).await.unwrap(), std::slice::from_ref(&web));
        assert_eq!(directory.targets(None).await.unwrap().len(), 2);
        is_taken(
            directory.change_target(eks.id, Some("web-1"), None).await,
            "there is target `web-1` already",
        );
        let moved = directory.change_target(eks.id, Some("eks"), Some(Some(prod.id))).await.unwrap().unwrap();
        assert_eq!((&*moved.name, moved.environment), ("eks", Some(prod.id)));
        assert_eq!(directory.rename_environment(prod.id, "production").await.unwrap().unwrap().id, prod.id);
        assert_eq!(directory.environments().await.unwrap()[0].name, "production");
        assert!(directory.delete_environment(prod.id, Time(4)).await.unwrap().is_some());
        assert_eq!(directory.target(eks.id).await.unwrap().unwrap().environment, None);
        assert_eq!(directory.environments().await.unwrap(), []);
        assert_eq!(directory.environment(prod.id).await.unwrap().unwrap().deleted, Some(Time(4)));

        let gone = directory.delete_target(web.id, Time(5)).await.unwrap().unwrap();
        assert_eq!((gone.deleted, gone.agent_status), (Some(Time(5)), AgentStatus::Terminated));
        assert_eq!(directory.delete_target(web.id, Time(5)).await.unwrap(), None);
        assert_ne!(directory.ensure_target(TargetType::Bzero, "web-1", Time(6)).await.unwrap().id, web.id);
    });
}

#[test]
fn a_target_comes_with_the_key_of_its_agent_or_not_at_all() {
    in_both(async |database| {
        let directory = open(&database).await;
        let register = |name, number| {
            directory.register_target(TargetType::Bzero, name, None, Digest([number; 32]), Time(2))
        };
        let (first, key) = register("web-1", 1).await.unwrap();
        assert_eq!((key.target, key.role, &*key.name), (Some(first.id), Role::Agent, "agent of web-1"));
        is_taken(register("web-1", 2).await, "there is target `web-1` already");
        assert!(register("web-2", 1).await.is_err(), "the secret is another's");
        assert_eq!(directory.target_named("web-2").await.unwrap(), None);
        // The name is free again, and the agent of before goes on.
        directory.change_target(first.id, Some("old"), None).await.unwrap();
        let (second, other) = register("web-1", 3).await.unwrap();
        assert_eq!(other.name, format!("agent of web-1 ({})", second.id));
        for (number, target) in [(1, first.id), (3, second.id)] {
            let (key, _) = directory.holder(Digest([number; 32])).await.unwrap().unwrap();
            assert_eq!(key.target, Some(target));
        }
    });
}

#[test]
fn what_an_agent_is_up_to_is_found_once() {
    in_both(async |database| {
        let directory = open(&database).await;
        let web = directory.add_target(TargetType::Bzero, "web-1", None, Time(2)).await.unwrap();
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let make = async |steps| journal.write(Batch { steps, ..Batch::default() }).await.unwrap();
        let said = |number, status| {
            Event::AgentStatusChange(AgentStatusChangeEvent {
                id: format!("change {number}"),
                target_id: web.id.to_string(),
                status_change: status,
                time_stamp: Time(3),
                reason: String::new(),
                agent_public_key: String::new(),
            })
        };
        let heard = |number, now| {
            let said = || vec![said(number, AgentStatus::Online)];
            Directory::hearing(&web, Time(now), said)
        };
        assert_eq!(make(heard(1, 3)).await, 2);
        // Another server that does not know yet.
        assert_eq!(make(heard(2, 4)).await, 1);
        let online = directory.target(web.id).await.unwrap().unwrap();
        assert_eq!((online.agent_status, online.agent_seen), (AgentStatus::Online, Some(Time(4))));
        assert!(Directory::hearing(&online, Time(4), Vec::new).is_empty(), "it was a moment ago");
        assert_eq!(directory.agents_silent(Time(4)).await.unwrap(), []);
        let silent = directory.agents_silent(Time(5)).await.unwrap();
        assert_eq!(silent, [online]);
        let missed = |number, since| {
            vec![Directory::missing(&web, Time(since), vec![said(number, AgentStatus::Offline)])]
        };
        assert_eq!(make(missed(3, 4)).await, 0, "it was heard since");
        assert_eq!((make(missed(4, 5)).await, make(missed(5, 5)).await), (1, 0));
        assert_eq!(directory.target(web.id).await.unwrap().unwrap().agent_status, AgentStatus::Offline);
        let page = Page { logs: [Log::AgentStatusChange].into(), ..Page::default() };
        let mut ids: Vec<_> =
            database.page(page).await.unwrap().into_iter().map(|found| found.event.id().to_owned()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["change 1", "change 4"]);
    });
}

#[test]
fn a_space_is_its_owners_until_it_is_closed() {
    in_both(async |database| {
        let directory = open(&database).await;
        let mut owners = Vec::new();
        for name in ["a@org.com", "b@org.com"] {
            owners.push(directory.ensure_subject(SubjectType::User, name, Time(2)).await.unwrap().id);
        }
        let ensure = |owner: Uuid, now| directory.ensure_space(owner, "cli-space", Time(now));
        let (first, other) = (ensure(owners[0], 3).await.unwrap(), ensure(owners[1], 4).await.unwrap());
        assert_ne!(first.id, other.id);
        assert_eq!(ensure(owners[0], 5).await.unwrap(), first);
        assert!(directory.close_space(first.id).await.unwrap().is_some());
        assert_eq!(directory.close_space(first.id).await.unwrap(), None);
        let second = ensure(owners[0], 6).await.unwrap();
        let ids = |spaces: Vec<Space>| spaces.iter().map(|space| space.id).collect::<Vec<_>>();
        assert_eq!(ids(directory.spaces(Some(owners[0])).await.unwrap()), [second.id, first.id]);
        assert_eq!(directory.spaces(None).await.unwrap().len(), 3);
        assert_eq!(directory.space(other.id).await.unwrap(), Some(other));
    });
}

/// Whatever is looked for, and in whatever: it is no more work than to read it.
#[test]
fn what_nearly_stands_in_many_names_is_found_as_soon_as_anything() {
    in_both(async |database| {
        let directory = open(&database).await;
        let owner = directory.add_subject(person("a@org.com", Role::User), Time(1)).await.unwrap().id;
        let mut work = database.writing().await.unwrap();
        for number in 0..2000_u128 {
            let space = Space {
                id: Uuid::from_u128(number),
                name: format!("{}{number:04}", "a".repeat(195)),
                owner,
                state: SpaceState::Active,
                created: Time(2),
            };
            work.run(&crate::record::insert(&space)).await.unwrap();
        }
        work.commit().await.unwrap();
        let began = std::time::Instant::now();
        let part = |text: String| Part { text, behind: None, limit: 4 };
        let (nothing, last) = (part(format!("{}b", "A".repeat(190))), part("A1999".to_owned()));
        let asked = (0..16).map(|_| directory.some_spaces(Some(owner), &nothing));
        for found in futures_util::future::join_all(asked).await {
            assert_eq!(found.unwrap(), []);
        }
        assert_eq!(directory.some_spaces(None, &last).await.unwrap().len(), 1);
        assert!(began.elapsed() < std::time::Duration::from_secs(12), "{:?}", began.elapsed());
    });
}

#[test]
fn lists_are_given_part_by_part_and_searched_by_name() {
    in_both(async |database| {
        let directory = open(&database).await;
        let mut names = vec!["Zoë@org.com".to_owned(), "[a]*%_.\\b@org.com".into(), "gone@org.com".into()];
        names.extend((0..7).map(|number| format!("person-{number}@org.com")));
        let mut ids = Vec::new();
        for name in &names {
            let full_name = (name == "person-3@org.com").then(|| "Ångström".to_owned());
            let new = NewSubject { full_name, ..person(name, Role::User) };
            ids.push(directory.add_subject(new, Time(1)).await.unwrap().id);
        }
        directory.delete_subject(ids[2], Time(2)).await.unwrap().unwrap();
        names.remove(2);
        names.sort();
        let some = async |text: &str, behind: Option<(String, Option<Uuid>)>| {
            let part = Part { text: text.into(), behind, limit: 4 };
            directory.some_subjects(SubjectType::User, &part).await.unwrap()
        };
        let (mut found, mut behind) = (Vec::new(), None);
        loop {
            let more = some("", behind.take()).await;
            let Some(last) = more.last() else { break };
            behind = Some((last.name.clone(), Some(last.id)));
            found.extend(more.into_iter().map(|one| one.name));
        }
        assert_eq!(found, names);
        for (text, expected) in [
            ("PERSON-3", &["person-3@org.com"][..]),
            ("ångSTRÖM", &["person-3@org.com"]),
            ("zoË@", &["Zoë@org.com"]),
            ("[A]*%_.\\B", &["[a]*%_.\\b@org.com"]),
            ("gone", &[]),
            ("person_", &[]),
            ("*", &["[a]*%_.\\b@org.com"]),
            ("\0", &[]),
        ] {
            let found: Vec<_> = some(text, None).await.into_iter().map(|one| one.name).collect();
            assert_eq!(found, expected, "{text:?}");
        }
        // Behind a name, whether there is one.
        let found = some("person", Some(("person-5".into(), None))).await;
        assert_eq!(
            found.iter().map(|one| &*one.name).collect::<Vec<_>>(),
            ["person-5@org.com", "person-6@org.com"]
        );
        // Those of one name, each once.
        for _ in 0..6 {
            let space = directory.ensure_space(ids[0], "work", Time(3)).await.unwrap();
            directory.close_space(space.id).await.unwrap().unwrap();
        }
        let part = Part { limit: 4, ..Part::default() };
        let first = directory.some_spaces(Some(ids[0]), &part).await.unwrap();
        let last = first.last().unwrap();
        let part = Part { behind: Some((last.name.clone(), Some(last.id))), ..part };
        let rest = directory.some_spaces(None, &part).await.unwrap();
        let mut spaces: Vec<_> = first.iter().chain(&rest).map(|space| space.id).collect();
        spaces.sort();
        spaces.dedup();
        assert_eq!((first.len(), rest.len(), spaces.len()), (4, 2, 6));
        assert!(directory.some_spaces(Some(ids[1]), &part).await.unwrap().is_empty());
        // The rest of what has names.
        let environment = directory.add_environment("Prod", Time(4)).await.unwrap();
        let target =
            directory.add_target(TargetType::Bzero, "Web-1", Some(environment.id), Time(4)).await.unwrap();
        let key = directory.add_api_key("SIEM", Role::Auditor, Digest([9; 32]), None, Time(4)).await.unwrap();
        let part = |text: &str| Part { text: text.into(), behind: None, limit: 4 };
        assert_eq!(
            directory.some_environments(&part("PROD")).await.unwrap(),
            std::slice::from_ref(&environment)
        );
        assert_eq!(directory.some_targets(None, &part("web")).await.unwrap(), std::slice::from_ref(&target));
        assert_eq!(
            directory.some_targets(Some(target.id), &part("")).await.unwrap(),
            std::slice::from_ref(&target)
        );
        assert_eq!(directory.some_targets(Some(ids[0]), &part("")).await.unwrap(), []);
        assert_eq!(directory.some_keys(&part("siem")).await.unwrap(), [key]);
        // What stands there is found, also of letters with three cases, and with another small letter at the end of a word.
        for (named, texts) in [("ǅword", ["ǅword", "Ǆ", "ǆW"]), ("ΣΊΣΥΦΟΣ", ["ΣΊΣ", "σίσυφος", "φοσ"])]
        {
            let made = directory.add_environment(named, Time(4)).await.unwrap();
            for text in texts {
                let found = directory.some_environments(&part(text)).await.unwrap();
                assert_eq!(found, std::slice::from_ref(&made), "{text}");
            }
        }
        assert_eq!(directory.environment_named("Prod").await.unwrap(), Some(environment.clone()));
        assert_eq!(directory.environment_named("prod").await.unwrap(), None);
        for (of, id, name) in [
            (Called::Subjects, ids[0], "Zoë@org.com"),
            (Called::Targets, target.id, "Web-1"),
            (Called::Environments, environment.id, "Prod"),
        ] {
            let names = directory.names(of, &[id, ids[2], Uuid::nil()]).await.unwrap();
            assert_eq!(names, [(id, name.to_owned())].into());
        }
        assert!(directory.names(Called::Subjects, &[]).await.unwrap().is_empty());
    });
}

//! The table of who may do what, row by row.

use super::{Deed, House, No};
use crate::domain::Actor;
use crate::slack::web::Person;

fn house() -> House {
    House { team: Some("T1".into()), admins: vec!["UADMIN".into()] }
}

fn member(id: &str) -> Person {
    let (id, name, team) = (id.to_owned(), id.to_lowercase(), Some("T1".to_owned()));
    Person { id, name, team, guest: false, bot: false, admin: false }
}

fn slack(id: &str) -> Actor {
    Actor::Person(format!("slack/{id}"))
}

/// Look, start, drive one's own, drive another's.
fn row(person: &Person) -> [Result<(), No>; 4] {
    let (own, other) = (slack(&person.id), slack("USOMEBODY"));
    let deeds = [Deed::Look, Deed::Start, Deed::Drive { owner: &own }, Deed::Drive { owner: &other }];
    deeds.map(|deed| house().may(person, deed))
}

#[test]
fn a_member_looks_starts_and_drives_their_own() {
    assert_eq!(row(&member("U1")), [Ok(()), Ok(()), Ok(()), Err(No::NotTheirs)]);
}

#[test]
fn admins_drive_every_session() {
    assert_eq!(row(&Person { admin: true, ..member("U1") }), [Ok(()); 4]);
    assert_eq!(row(&member("UADMIN")), [Ok(()); 4]);
}

#[test]
fn guests_bots_and_strangers_may_nothing_whatever_else_they_are() {
    let base = Person { admin: true, ..member("UADMIN") };
    let table = [
        (Person { bot: true, ..base.clone() }, No::Bot),
        (Person { guest: true, ..base.clone() }, No::Guest),
        (Person { team: Some("T2".into()), ..base.clone() }, No::Foreign),
    ];
    for (person, no) in table {
        assert_eq!(row(&person), [Err(no); 4], "{person:?}");
    }
}

#[test]
fn where_nobody_knows_the_workspace_it_is_no_reason_to_refuse() {
    let everywhere = House { team: None, ..house() };
    let unknown = Person { team: None, ..member("U1") };
    assert_eq!(house().may(&unknown, Deed::Start), Ok(()));
    assert_eq!(everywhere.may(&Person { team: Some("T2".into()), ..member("U1") }, Deed::Start), Ok(()));
}

#[test]
fn a_session_of_another_door_is_driven_by_admins_only() {
    let local = Actor::Person("local/U1".into());
    assert_eq!(house().may(&member("U1"), Deed::Drive { owner: &local }), Err(No::NotTheirs));
    assert_eq!(house().may(&member("UADMIN"), Deed::Drive { owner: &local }), Ok(()));
    let nobody = Person { id: String::new(), ..member("") };
    assert_eq!(house().may(&nobody, Deed::Drive { owner: &Actor::Control }), Err(No::NotTheirs));
}

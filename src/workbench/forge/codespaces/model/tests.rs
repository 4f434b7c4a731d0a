//! The model's laws, by a clock that is turned by hand and machines that need no time.

use chrono::{TimeDelta, TimeZone, Utc};
use proptest::prelude::*;

use super::super::settings::{LIFETIME, Settings};
use super::{Codespace, JobKind, Model, New, Next, Phase, Started, StopWhy, Trouble};
use crate::clock::Time;
use crate::workbench::forge::codespaces::Work;

/// A GitHub without HTTP: the model, its settings and the time.
struct Hall {
    model: Model,
    settings: Settings,
    now: Time,
    jobs: Vec<JobKind>,
}

impl Hall {
    fn new() -> Self {
        let now = Utc.with_ymd_and_hms(2026, 3, 2, 12, 0, 0).unwrap();
        Self { model: Model::default(), settings: Settings::default(), now, jobs: Vec::new() }
    }

    fn asked(&self, owner: &str) -> New {
        let random = format!("{:012}", self.model.last_id);
        New {
            owner: owner.into(),
            repo: "acme/app".into(),
            full_name: "Acme/app".into(),
            branch: "trunk".into(),
            sha: "0".repeat(40),
            machine: None,
            display_name: Some("dt-1a2b-7-1".into()),
            devcontainer_path: None,
            location: "EastUs".into(),
            idle_minutes: None,
            retention_minutes: None,
            permissions_opt_out: true,
            permissions_url: String::new(),
            random: [random.clone(), random],
        }
    }

    fn create(&mut self, owner: &str) -> Result<String, u16> {
        self.create_with(owner, |new| new)
    }

    fn create_with(&mut self, owner: &str, with: impl FnOnce(New) -> New) -> Result<String, u16> {
        let asked = with(self.asked(owner));
        let made = self.model.create(asked, &self.settings, self.now);
        made.map(|(codespace, _)| codespace.name).map_err(|refusal| refusal.status.as_u16())
    }

    /// Turns the clock and does what falls due.
    fn turn(&mut self, by: TimeDelta) {
        self.now += by;
        loop {
            let jobs = self.model.advance(&self.settings, self.now);
            if jobs.is_empty() {
                return;
            }
            for job in jobs {
                if job.what == JobKind::Export {
                    self.model.exported(&job.name, Some("1".repeat(40)), None);
                }
                self.model.done(&job, true, None);
                self.jobs.push(job.what);
            }
        }
    }

    fn up(&mut self, owner: &str) -> String {
        let name = self.create(owner).unwrap();
        self.turn(TimeDelta::seconds(2));
        assert_eq!(self.phase(&name), Phase::Available);
        name
    }

    fn one(&self, name: &str) -> &Codespace {
        self.model.get(name).unwrap()
    }

    fn phase(&self, name: &str) -> Phase {
        self.one(name).phase()
    }

    fn start(&mut self, name: &str) -> Result<Started, u16> {
        let now = self.now;
        self.model.start("ana", name, &self.settings, now).map_err(|refusal| refusal.status.as_u16())
    }

    fn stop(&mut self, name: &str) -> Result<(), u16> {
        self.model.stop("ana", name, &self.settings, self.now).map_err(|refusal| refusal.status.as_u16())
    }
}

#[test]
fn an_idle_one_stops_after_its_own_time() {
    let mut hall = Hall::new();
    let name = hall.create_with("ana", |new| New { idle_minutes: Some(5), ..new }).unwrap();
    hall.turn(TimeDelta::minutes(4));
    assert_eq!(hall.phase(&name), Phase::Available);
    hall.turn(TimeDelta::minutes(2));
    assert_eq!(hall.phase(&name), Phase::Shutdown);
    let notice = hall.one(&name).stop_notice.clone().unwrap();
    assert_eq!(notice, "Your codespace was stopped: it was idle for 5 minutes.");
}

#[test]
fn twelve_hours_are_the_most_even_for_one_in_use() {
    let mut hall = Hall::new();
    let name = hall.up("ana");
    for _ in 0..(12 * 6 - 1) {
        hall.turn(TimeDelta::minutes(10));
        hall.model.get_mut(&name).unwrap().last_used_at = hall.now;
    }
    assert_eq!(hall.phase(&name), Phase::Available);
    hall.turn(TimeDelta::minutes(10));
    assert_eq!(hall.phase(&name), Phase::Shutdown);
    assert_eq!(
        hall.one(&name).stop_notice.as_deref(),
        Some("Your codespace was stopped: it had been running for 12 hours.")
    );
    assert_eq!(hall.start(&name), Ok(Started::Now), "and it may be started again");
    hall.turn(TimeDelta::seconds(1));
    assert_eq!((hall.phase(&name), hall.one(&name).stop_notice.as_ref()), (Phase::Available, None));
}

#[test]
fn a_clock_turned_far_passes_through_every_state() {
    let mut hall = Hall::new();
    let name = hall.create_with("ana", |new| New { retention_minutes: Some(60), ..new }).unwrap();
    hall.turn(LIFETIME * 10);
    assert!(hall.model.get(&name).is_none(), "set up, idle, stopped, deleted");
    let start = JobKind::Start { first: true, recovery: false };
    assert_eq!(hall.jobs, [start, JobKind::Stop, JobKind::Delete]);
    assert!(hall.model.listed("ana", hall.settings.list_lag, hall.now).is_empty());
}

#[test]
fn a_stopped_one_is_kept_for_its_retention_and_a_running_one_for_ever() {
    let mut hall = Hall::new();
    let name = hall.create_with("ana", |new| New { retention_minutes: Some(60), ..new }).unwrap();
    hall.turn(TimeDelta::seconds(2));
    assert_eq!(hall.one(&name).retention_expires_at(), None);
    hall.stop(&name).unwrap();
    hall.turn(TimeDelta::minutes(59));
    assert!(hall.one(&name).retention_expires_at().is_some());
    assert_eq!(hall.start(&name), Ok(Started::Now));
    hall.turn(TimeDelta::minutes(20));
    assert_eq!(hall.phase(&name), Phase::Available, "a start gives it a new life");
    hall.stop(&name).unwrap();
    hall.turn(TimeDelta::minutes(61));
    assert!(hall.model.get(&name).is_none());
}

#[test]
fn stopped_ones_count_against_the_total_and_not_against_the_active() {
    let mut hall = Hall::new();
    (hall.settings.most, hall.settings.most_active) = (3, 2);
    let first = hall.up("ana");
    hall.up("ana");
    assert_eq!(hall.create("ana"), Err(403), "two are active");
    assert!(hall.create("bo").is_ok(), "each person has their own");
    hall.stop(&first).unwrap();
    assert_eq!(hall.create("ana"), Err(403), "it is not down yet");
    hall.turn(TimeDelta::seconds(1));
    assert!(hall.create("ana").is_ok());
    assert_eq!(hall.start(&first), Err(403), "a start counts too");
    hall.settings.most_active = 9;
    assert_eq!(hall.create("ana"), Err(403), "three there are");
    hall.model.delete("ana", &first, &hall.settings, hall.now).unwrap();
    assert_eq!(hall.create("ana"), Err(403), "it is not gone yet");
    hall.turn(TimeDelta::seconds(1));
    assert!(hall.create("ana").is_ok());
}

#[test]
fn a_list_learns_late_and_of_others_never() {
    let mut hall = Hall::new();
    let name = hall.create("ana").unwrap();
    hall.create("bo").unwrap();
    let listed = |hall: &Hall, who: &str| {
        let all = hall.model.listed(who, hall.settings.list_lag, hall.now);
        all.into_iter().map(|c| c.name.clone()).collect::<Vec<_>>()
    };
    assert!(listed(&hall, "ana").is_empty());
    hall.turn(hall.settings.list_lag);
    assert_eq!(listed(&hall, "ana"), std::slice::from_ref(&name));
    assert!(hall.model.seen("bo", &name).is_err());
    hall.model.delete("ana", &name, &hall.settings, hall.now).unwrap();
    hall.turn(hall.settings.deleting);
    assert!(hall.model.get(&name).is_none());
    assert_eq!(listed(&hall, "ana"), [name], "gone, and still in the list");
    hall.turn(hall.settings.list_lag);
    assert!(listed(&hall, "ana").is_empty());
}

#[test]
fn who_has_spent_everything_is_stopped_and_kept_out() {
    let mut hall = Hall::new();
    let name = hall.up("ana");
    hall.settings.spent.insert("ana".into());
    hall.turn(TimeDelta::seconds(1));
    assert_eq!(hall.phase(&name), Phase::Shutdown);
    assert!(hall.one(&name).stop_notice.as_ref().unwrap().contains("spending limit"));
    assert_eq!((hall.start(&name), hall.create("ana")), (Err(402), Err(402)));
    assert!(hall.create("bo").is_ok());
}

#[test]
fn while_an_operation_is_pending_only_a_deletion_works() {
    let mut hall = Hall::new();
    let name = hall.up("ana");
    let pending = Trouble::Pending { pending: true };
    assert!(hall.model.befall(&name, pending, &hall.settings, hall.now));
    assert_eq!((hall.start(&name), hall.stop(&name)), (Err(422), Err(422)));
    hall.turn(LIFETIME);
    assert_eq!(hall.phase(&name), Phase::Available, "nor does it stop by itself");
    assert_eq!(hall.model.delete("ana", &name, &hall.settings, hall.now), Ok(true));
    assert_eq!(hall.model.delete("ana", &name, &hall.settings, hall.now), Ok(false));
}

#[test]
fn a_policy_lowers_what_is_asked_and_says_so() {
    let mut hall = Hall::new();
    hall.settings.longest_idle_minutes = Some(10);
    hall.settings.longest_retention_minutes = Some(60);
    let name = hall.create_with("ana", |new| New { idle_minutes: Some(120), ..new }).unwrap();
    let made = hall.one(&name);
    assert_eq!((made.idle_minutes, made.retention_minutes), (10, 60));
    assert!(made.idle_notice.as_ref().unwrap().contains("10 minutes"), "{:?}", made.idle_notice);
    let name = hall.create_with("ana", |new| New { idle_minutes: Some(10), ..new }).unwrap();
    assert_eq!(hall.one(&name).idle_notice, None);
}

#[test]
fn machines_are_the_smallest_allowed_or_the_one_asked_for() {
    let mut hall = Hall::new();
    let asked = |machine: &str| {
        let machine = Some(machine.to_owned());
        move |new: New| New { machine, ..new }
    };
    hall.settings.allowed_machines = Some(["premiumLinux".to_owned()].into());
    let name = hall.create("ana").unwrap();
    assert_eq!(hall.one(&name).machine, "premiumLinux");
    assert_eq!(hall.create_with("ana", asked("basicLinux32gb")), Err(403));
    assert_eq!(hall.create_with("ana", asked("nothing")), Err(400));
    hall.settings.without_codespaces.insert("acme/app".into());
    assert_eq!(hall.create("ana"), Err(403));
}

#[test]
fn creations_end_as_they_are_told_to_in_order() {
    let mut hall = Hall::new();
    for next in [Next::Unavailable, Next::Retried, Next::Fails, Next::Recovery] {
        hall.model.next_create(next);
    }
    assert_eq!(hall.create("ana"), Err(503));
    assert!(hall.model.all().is_empty(), "a 503 makes nothing");
    let (later, wrong, odd) =
        (hall.create("ana").unwrap(), hall.create("ana").unwrap(), hall.create("ana").unwrap());
    hall.turn(TimeDelta::seconds(1));
    assert_eq!(
        [later.as_str(), wrong.as_str(), odd.as_str()].map(|name| hall.phase(name)),
        [Phase::Queued, Phase::Failed, Phase::Available]
    );
    hall.turn(TimeDelta::seconds(1));
    assert_eq!(hall.phase(&later), Phase::Available);
    assert!(hall.jobs.contains(&JobKind::Start { first: true, recovery: true }));
}

#[test]
fn an_export_takes_what_is_in_it_without_starting_it() {
    let mut hall = Hall::new();
    let name = hall.up("ana");
    hall.stop(&name).unwrap();
    hall.turn(TimeDelta::seconds(1));
    let work = Work { uncommitted: true, unpushed: true, ..Work::default() };
    hall.model.befall(&name, Trouble::Work { work }, &hall.settings, hall.now);
    hall.jobs.clear();
    hall.model.export("ana", &name, "e1".into(), TimeDelta::seconds(1), hall.now).unwrap();
    assert_eq!(hall.one(&name).state(), "Exporting");
    assert_eq!(hall.start(&name), Err(422));
    hall.turn(TimeDelta::zero());
    assert_eq!(hall.one(&name).export.as_ref().unwrap().state(), "in_progress", "not before its time");
    hall.turn(TimeDelta::seconds(1));
    assert_eq!(hall.one(&name).export.as_ref().unwrap().state(), "succeeded");
    assert_eq!((hall.one(&name).state(), hall.one(&name).work), ("Shutdown", Work::default()));
    assert_eq!(hall.jobs, [JobKind::Export]);
}

#[test]
fn troubles_show_what_they_say() {
    let mut hall = Hall::new();
    let name = hall.up("ana");
    let lay = |hall: &mut Hall, trouble| hall.model.befall(&name, trouble, &hall.settings, hall.now);
    lay(&mut hall, Trouble::Show { state: Some("Hibernating".into()) });
    assert_eq!(hall.one(&name).state(), "Hibernating");
    lay(&mut hall, Trouble::Show { state: None });
    lay(&mut hall, Trouble::Stop { why: StopWhy::Lifetime });
    assert_eq!(hall.one(&name).state(), "ShuttingDown");
    lay(&mut hall, Trouble::Vanish);
    hall.turn(TimeDelta::zero());
    assert!(!lay(&mut hall, Trouble::Vanish), "it is gone");
}

proptest! {
    /// Whatever is asked in whatever order: no cap is passed, and a machine runs only where it should.
    #[test]
    fn no_order_of_calls_breaks_a_law(steps in prop::collection::vec((0_u8..7, 0_usize..4, 0_i64..900), 1..60)) {
        let mut hall = Hall::new();
        (hall.settings.most, hall.settings.most_active) = (4, 2);
        for (what, which, seconds) in steps {
            let names: Vec<String> = hall.model.all().iter().map(|c| c.name.clone()).collect();
            let name = names.get(which).cloned().unwrap_or_default();
            match what {
                0 => drop(hall.create("ana")),
                1 => _ = hall.start(&name),
                2 => _ = hall.stop(&name),
                3 => drop(hall.model.delete("ana", &name, &hall.settings, hall.now)),
                4 => drop(hall.model.export("ana", &name, "e".into(), TimeDelta::seconds(1), hall.now)),
                _ => hall.turn(TimeDelta::seconds(seconds)),
            }
            hall.turn(TimeDelta::zero());
            let all = hall.model.all();
            prop_assert!(all.len() <= 4);
            prop_assert!(all.iter().filter(|c| c.is_active()).count() <= 2);
            prop_assert!(all.iter().all(|c| c.is_up() == (c.phase() == Phase::Available)));
        }
    }
}

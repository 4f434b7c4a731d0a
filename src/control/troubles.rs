//! What is tried again at the moment, counted: the operator's first look at why nothing moves.
//!
//! Knows where each kind of trouble is kept; must not know who asks or what it is called outside.

use super::jobs::Job;
use super::{Inner, Local};

/// Sessions whose work on the world failed and is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// The provider failed them.
    pub nodes: usize,
    /// Their supervisors are not reached.
    pub links: usize,
    /// The forge did not take their pull requests.
    pub pull_requests: usize,
}

impl Local {
    pub fn troubles(&self) -> Troubles {
        self.inner.troubles()
    }
}

impl Inner {
    fn troubles(&self) -> Troubles {
        let rows = self.store.open_rows();
        let stumbles = |row: &&crate::store::Row| {
            let told = row.lease.as_ref().is_some_and(|l| l.tries > 0);
            // What broke off before there was a row to count in is counted with the jobs alone.
            told || self.jobs.fails(row.session.id(), Job::Node)
        };
        Troubles {
            nodes: rows.iter().filter(stumbles).count(),
            links: self.jobs.failing(Job::Link),
            pull_requests: rows.iter().filter(|row| row.session.publish.tries > 0).count(),
        }
    }
}

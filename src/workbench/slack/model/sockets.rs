//! Which socket connections stand, and which tickets for new ones are given out.
//!
//! Must not know what is sent through them.

use std::collections::BTreeMap;

use super::Model;
use crate::clock::Time;

pub const MOST_SOCKETS: usize = 10;
/// How long a ticket is good.
const TICKET_SECONDS: i64 = 30;
/// How long Slack keeps a connection before it asks for a new one.
pub const CONNECTION_SECONDS: i64 = 18_060;
/// How long before that it warns.
const WARNING_SECONDS: i64 = 10;

pub type SocketId = u64;

#[derive(Debug, Default)]
pub struct Sockets {
    pub open: BTreeMap<SocketId, Socket>,
    tickets: BTreeMap<String, Time>,
    last: SocketId,
    /// Connections that ever stood.
    pub total: u64,
}

#[derive(Clone, Debug)]
pub struct Socket {
    pub since: Time,
    /// It was told to go: nothing more is sent to it.
    pub leaving: bool,
    warned: bool,
}

impl Model {
    /// A ticket for one connection.
    pub fn ticket(&mut self, now: Time) -> String {
        let ticket = self.id("ticket-");
        self.sockets.tickets.retain(|_, made| (now - *made).num_seconds() < TICKET_SECONDS);
        self.sockets.tickets.insert(ticket.clone(), now);
        ticket
    }

    /// Takes a ticket; it opens one connection, in time.
    pub fn take_ticket(&mut self, ticket: &str, now: Time) -> bool {
        let made = self.sockets.tickets.remove(ticket);
        made.is_some_and(|made| (now - made).num_seconds() < TICKET_SECONDS)
    }

    /// `None` = there are ten already.
    pub fn open_socket(&mut self, now: Time) -> Option<SocketId> {
        let sockets = &mut self.sockets;
        if sockets.open.len() >= MOST_SOCKETS {
            return None;
        }
        sockets.last += 1;
        sockets.total += 1;
        sockets.open.insert(sockets.last, Socket { since: now, leaving: false, warned: false });
        self.version += 1;
        Some(self.sockets.last)
    }

    pub fn close_socket(&mut self, id: SocketId) {
        if self.sockets.open.remove(&id).is_some() {
            self.changed();
        }
    }

    /// Nothing more goes through this one: it was told to disconnect.
    pub fn leave_socket(&mut self, id: SocketId) {
        if let Some(socket) = self.sockets.open.get_mut(&id) {
            socket.leaving = true;
        }
    }

    /// Who is to be told what because of a connection's age: `warning`, later `refresh_requested`.
    pub fn aged(&mut self, now: Time) -> Vec<(SocketId, &'static str)> {
        let mut told = Vec::new();
        for (id, socket) in &mut self.sockets.open {
            let age = (now - socket.since).num_seconds();
            if socket.leaving {
                continue;
            }
            if age >= CONNECTION_SECONDS {
                socket.leaving = true;
                told.push((*id, "refresh_requested"));
            } else if age >= CONNECTION_SECONDS - WARNING_SECONDS && !socket.warned {
                socket.warned = true;
                told.push((*id, "warning"));
            }
        }
        told
    }

    /// The connection for the next envelope: each in its turn.
    pub fn next_socket(&self, turn: u64) -> Option<SocketId> {
        let able: Vec<SocketId> =
            self.sockets.open.iter().filter(|(_, s)| !s.leaving).map(|(id, _)| *id).collect();
        let at = usize::try_from(turn).unwrap_or(0).checked_rem(able.len())?;
        able.get(at).copied()
    }
}

//! Real ssh into boxes with Debian's own sshd: what a link promises, and what a program on the far side is brought by.

mod links;
mod world;

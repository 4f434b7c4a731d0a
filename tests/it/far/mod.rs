//! Real ssh into codespaces with Debian's own sshd, through the local forge's tunnel: what a link promises, what a
//! program on the far side is brought by, and what an attach survives.

mod attach;
mod boxes;
mod bring;
mod cuts;
mod links;
mod many;
mod world;

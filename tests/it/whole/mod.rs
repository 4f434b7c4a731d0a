//! The whole thing with real processes: the real binary as control plane, supervisors and scripted agents as its
//! grandchildren, real git and bubblewrap, the real `claude` on a scripted model; only the forge and the model live in
//! the test's own process.
//!
//! What is asserted is what a person or a reader of the stream sees from outside, and that nothing is left behind. Must
//! not know how a room does what it promises.

mod deferral;
mod demo;
mod house;
mod kills;
mod places;
mod real;
mod stream;

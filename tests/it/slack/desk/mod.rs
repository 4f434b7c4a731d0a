//! The desk with everything around it: a real store and control plane, the strict Slack, and nodes that do as they are
//! told.

mod clicks;
mod forms;
mod house;
mod refusals;
mod words;

//! Floor 1: how to talk with one agent process.

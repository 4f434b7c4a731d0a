//! The one integration-test binary: every suite is a module here.

#[cfg(test)]
mod real_agent;

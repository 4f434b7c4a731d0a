//! The one integration-test binary: every suite is a module here.

mod claude_captures;
mod claude_real;
#[cfg(test)]
mod real_agent;

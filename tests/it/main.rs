//! The one integration-test binary: every suite is a module here.
mod claude_captures;

#[cfg(test)]
mod real_agent;
#[cfg(test)]
mod supervisor;

//! The one integration-test binary: every suite is a module here.

mod claude_captures;
mod claude_real;
mod control;
mod forge;
mod tidy;

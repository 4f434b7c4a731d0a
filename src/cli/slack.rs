//! `devtask slack`: what a workspace is told about the app. Needs neither a server nor a configuration.
//!
//! Must not know what is in a manifest.

use super::args::{Manifest as Args, Slack};
use super::talk::{Outcome, Terminal, Trouble};
use crate::slack::manifest::{Manifest, Reach};

pub fn run(verb: &Slack, at: &mut Terminal<'_>) -> Outcome {
    match verb {
        Slack::Manifest(args) => manifest(args, at),
    }
}

fn manifest(args: &Args, at: &mut Terminal<'_>) -> Outcome {
    let reach = args.http.clone().map_or(Reach::Socket, Reach::Http);
    let manifest = Manifest::new(&reach);
    let failed = |e: serde_json::Error| Trouble::setup(format!("the manifest cannot be written: {e}"));
    if !args.url {
        at.print(&manifest.json().map_err(failed)?)?;
        return Ok(0);
    }
    let url = manifest.create_url().map_err(failed)?;
    if at.json {
        at.print_json(&serde_json::json!({ "url": url }))?;
        return Ok(0);
    }
    at.print(&format!("{url}\n"))?;
    at.say("open it in a browser, choose the workspace, and press Create; then docs/slack.md, step 2")?;
    Ok(0)
}

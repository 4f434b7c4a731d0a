//! The command line's words: verbs, flags and their help, examples first.
//!
//! Knows how they are spelt; must not know what they do.

#[cfg(feature = "server")]
mod talk;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

#[cfg(feature = "server")]
use crate::client::Target;
#[cfg(feature = "server")]
use crate::domain::SessionId;
#[cfg(feature = "server")]
use crate::slack::manifest::Base;
#[cfg(feature = "server")]
pub use talk::{Act, Answer, Create, Decide, Link, List, Logs, Message, Wait, span};

/// About, examples, usage, the rest.
const TEMPLATE: &str =
    "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}\n";

/// The parser with its templates; the reference in `docs` is made from it.
pub fn command() -> clap::Command {
    let verb = |c: clap::Command| c.help_template(TEMPLATE);
    Cli::command().help_template(TEMPLATE).mut_subcommands(|c| verb(c).mut_subcommands(verb))
}

/// Run many AI coding sessions in parallel and stay in control of each of them
#[derive(Debug, Parser)]
#[command(name = "devtask", version, max_term_width = 100, disable_help_subcommand = true)]
#[cfg_attr(
    feature = "server",
    command(
        before_help = "Examples:\n  devtask serve\n  devtask create --repo ./web --brief 'Add a retry to the fetch'\n  devtask list\n  devtask logs 142 -f\n  devtask answer 142 --option 1"
    )
)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub verb: Verb,
}

/// Where the server is and how to answer.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// The server; without it the socket in the data folder
    #[cfg(feature = "server")]
    #[arg(
        long,
        global = true,
        env = "DEVTASK_SERVER",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "Everywhere"
    )]
    pub server: Option<Target>,
    /// Where the database, the token and the socket lie
    #[cfg(feature = "server")]
    #[arg(
        long,
        global = true,
        env = "DEVTASK_DATA_DIR",
        hide_env_values = true,
        value_name = "DIR",
        help_heading = "Everywhere"
    )]
    pub data_dir: Option<PathBuf>,
    /// The configuration; without it the usual place
    #[cfg(feature = "server")]
    #[arg(
        long,
        global = true,
        env = "DEVTASK_CONFIG",
        hide_env_values = true,
        value_name = "FILE",
        help_heading = "Everywhere"
    )]
    pub config: Option<PathBuf>,
    /// Answer in JSON, streams as one object a line
    #[cfg(feature = "server")]
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a session; it is queued at once
    #[cfg(feature = "server")]
    #[command(
        before_help = "Examples:\n  devtask create --repo ./web --brief 'Add a retry to the fetch'\n  devtask create --repo acme/web --brief @task.md --check 'npm test' --label backend\n  git diff | devtask create --brief - --wait"
    )]
    Create(Create),
    /// List sessions, the newest first
    #[cfg(feature = "server")]
    #[command(
        before_help = "Examples:\n  devtask list\n  devtask list --status running\n  devtask list --asks\n  devtask list --json | jq -r .id"
    )]
    List(List),
    /// Show one session on one screen
    #[cfg(feature = "server")]
    #[command(before_help = "Examples:\n  devtask show 142\n  devtask show dt-142 --json | jq .evidence")]
    Show {
        /// `142` or `dt-142`
        session: SessionId,
    },
    /// Print a session's log
    #[cfg(feature = "server")]
    #[command(
        before_help = "Examples:\n  devtask logs 142\n  devtask logs 142 -f\n  devtask logs 142 --json --after 40"
    )]
    Logs(Logs),
    /// List the nodes: whose each is, how it stands, what it has cost
    #[cfg(feature = "server")]
    #[command(before_help = "Examples:\n  devtask nodes\n  devtask nodes --json")]
    Nodes,
    /// Link your account on the forge, so that your sessions run and publish in your name
    #[cfg(feature = "server")]
    #[command(
        before_help = "Examples:\n  devtask link                          (shows a code to type at the forge, and waits)\n  devtask link --token-file ~/.config/devtask/github.token\n  devtask link --show\n  devtask link --remove"
    )]
    Link(Link),
    /// Answer what an agent asks
    #[cfg(feature = "server")]
    #[command(
        before_help = "Examples:\n  devtask answer                        (asks you here, one question after the other)\n  devtask answer 142 --option 2\n  devtask answer 142 --text 'Only the public API'\n  devtask answer 142 --decide allow"
    )]
    Answer(Answer),
    /// Say something to the agent; a settled session takes it as a follow-up
    #[cfg(feature = "server")]
    #[command(
        before_help = "Examples:\n  devtask message 142 'Please add a test for the time-out'\n  devtask message 142 --interrupt 'Stop, wrong file'\n  devtask message 142 -  < notes.md"
    )]
    Message(Message),
    /// Hold a session until somebody resumes it
    #[cfg(feature = "server")]
    #[command(
        before_help = "Examples:\n  devtask pause 142\n  devtask pause 142 --reason 'waiting for the API'"
    )]
    Pause(Act),
    /// Lift a hold; where there is none, grant the budget again
    #[cfg(feature = "server")]
    #[command(before_help = "Examples:\n  devtask resume 142")]
    Resume(Act),
    /// End a session; its branch is kept
    #[cfg(feature = "server")]
    #[command(before_help = "Examples:\n  devtask cancel 142\n  devtask cancel 142 --reason 'done by hand'")]
    Cancel(Act),
    /// Run a settled session again, on its branch and in its conversation
    #[cfg(feature = "server")]
    #[command(before_help = "Examples:\n  devtask rerun 142")]
    Rerun(Act),
    /// Wait until a session is settled or needs a person
    #[cfg(feature = "server")]
    #[command(
        before_help = "Examples:\n  devtask wait 142\n  devtask wait 142 --timeout 30m && echo done",
        after_help = "Exit codes: 0 done, 10 failed, 11 cancelled, 12 needs an answer, 124 time-out"
    )]
    Wait(Wait),
    /// Play a whole story here: no account, no network
    #[cfg(feature = "workbench")]
    #[command(
        before_help = "Examples:\n  devtask demo\n  devtask demo --headless --json\n  devtask demo --repo ./web --agent claude"
    )]
    Demo(Demo),
    /// Run the control plane
    #[cfg(feature = "server")]
    #[command(
        before_help = "Examples:\n  devtask serve\n  devtask serve --listen 127.0.0.1:8080 --data-dir ./data\n  DEVTASK_CONTROL__SLOTS=8 devtask serve"
    )]
    Serve(Serve),
    /// Run one session's far end on a node; the control plane starts it
    #[command(before_help = "Examples:\n  devtask supervise --home /tmp/dt-142 --detach")]
    Supervise(Supervise),
    /// Pass standard input and output to the supervisor of a session on this machine
    #[command(hide = true)]
    Attach {
        /// The session's folder
        #[arg(long, value_name = "DIR")]
        home: PathBuf,
    },
    /// Check what DevTask needs on this machine, and say what mends it
    #[cfg(feature = "server")]
    #[command(
        before_help = "Examples:\n  devtask doctor\n  devtask doctor --json",
        after_help = "Exits 3 when something must be mended."
    )]
    Doctor,
    /// Say whether the server takes work; for health checks
    #[cfg(feature = "server")]
    #[command(
        before_help = "Examples:\n  devtask health\n  devtask health --server http://127.0.0.1:7777",
        after_help = "Exits 0 when it does, also with less than everything; 69 when no server answers."
    )]
    Health,
    /// Connect a Slack workspace
    #[cfg(feature = "server")]
    #[command(
        subcommand,
        disable_help_subcommand = true,
        before_help = "Examples:\n  devtask slack manifest --url"
    )]
    Slack(Slack),
    /// The part of `gh` that leads into a codespace of the local forge
    #[cfg(feature = "workbench")]
    #[command(hide = true, disable_help_flag = true)]
    GhStandIn {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// The first program in a codespace of the local forge
    #[cfg(feature = "workbench")]
    #[command(hide = true)]
    BoxInside {
        /// The SSH server; without it there is none
        #[arg(long)]
        sshd: Option<PathBuf>,
        /// An address outside that is reached inside too
        #[arg(long)]
        reach: Vec<std::net::SocketAddr>,
    },
    /// The scripted agent
    #[cfg(feature = "workbench")]
    #[command(hide = true, disable_help_flag = true)]
    AgentSim {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<std::ffi::OsString>,
    },
}

#[cfg(feature = "workbench")]
#[derive(Debug, Args)]
pub struct Demo {
    /// Play the story to its end by itself, check it from outside, and exit 0 or 1
    #[arg(long)]
    pub headless: bool,
    /// A real repository to work on instead of the sample; it is only read
    #[arg(long, value_name = "PATH")]
    pub repo: Option<PathBuf>,
    /// Who works: the scripted agent, or the real one
    #[arg(long, default_value = "scripted", value_parser = ["scripted", "claude"])]
    pub agent: String,
    /// Let a real agent run without bubblewrap
    #[arg(long)]
    pub unsandboxed: bool,
    /// Port of the REST API; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
}

#[cfg(feature = "server")]
#[derive(Debug, Args)]
pub struct Serve {
    /// Address and port of the TCP door
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
}

#[cfg(feature = "server")]
#[derive(Debug, Subcommand)]
pub enum Slack {
    /// Print the app's manifest: what DevTask asks of a workspace
    #[command(
        before_help = "Examples:\n  devtask slack manifest --url     (open it: everything is filled in)\n  devtask slack manifest > manifest.json\n  devtask slack manifest --http https://devtask.example.com"
    )]
    Manifest(Manifest),
}

#[cfg(feature = "server")]
#[derive(Debug, Args)]
pub struct Manifest {
    /// Slack calls this public address; without it DevTask opens sockets and needs none
    #[arg(long, value_name = "URL")]
    pub http: Option<Base>,
    /// Print a link that makes the app instead
    #[arg(long)]
    pub url: bool,
}

#[derive(Debug, Args)]
pub struct Supervise {
    /// The session's folder with `run.json`
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// Go on without the caller's terminal
    #[arg(long)]
    pub detach: bool,
}

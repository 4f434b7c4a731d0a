//! Starting the agent: what the run says becomes an adapter's launch, and that a process in the cage.
//!
//! Must not know what the agent is told.

use super::{Agent, Shell};
use crate::agent::Start;
use crate::domain::report::Retry;
use crate::supervisor::life::{Input, Trouble};
use crate::supervisor::process::Process;

impl Shell {
    pub(super) fn launch(&mut self, resume: bool, plan: bool) -> Vec<Input> {
        vec![Input::Launched(self.start(resume, plan).map_err(|cause| Trouble { cause, retry: Retry::No }))]
    }

    fn start(&mut self, resume: bool, plan: bool) -> Result<(), String> {
        let new = &self.run.new;
        let start = Start {
            command: self.run.agent.command.clone(),
            conversation: self.run.conversation,
            resume,
            model: new.model.clone(),
            effort: new.effort.clone(),
            plan,
            require_approval_for: new.require_approval_for.clone(),
            config_dir: self.home.agent(),
        };
        let mut adapter = (self.make)(start);
        self.home.mark_unsaved().map_err(|e| format!("the folder could not be marked: {e}"))?;
        let mut launch = adapter.launch();
        launch.env.extend(self.run.agent.env.clone());
        let program = launch.argv.first().map_or("", String::as_str);
        if let Some(why) = self.cage.cannot_run(program) {
            let name = &new.agent;
            return Err(format!(
                "the agent program `{program}` {why}; install it, or name another in `agents.{name}.command`"
            ));
        }
        let process = Process::start(&launch, &self.cage, &self.station.desk)
            .map_err(|e| format!("the agent program `{program}` could not be started: {e}"))?;
        tracing::info!(process.id = process.id(), agent.resume = resume, "the agent was started");
        for line in adapter.open() {
            process.write(line).map_err(|_| "the agent does not read its input".to_owned())?;
        }
        self.agent = Some(Agent { process, adapter, resumed: resume });
        Ok(())
    }
}

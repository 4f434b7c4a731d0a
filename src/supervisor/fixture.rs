//! What this room's tests begin with. Must not be used outside tests.

use crate::wire::run::Run;

/// A run with the defaults of every setting, for this room's tests.
pub fn run() -> Run {
    let json = serde_json::json!({
        "new": {
            "id": "dt-142", "mark": "6f1b7c52-93a4-4c5e-8d6f-0a1b2c3d4e5f", "owner": "person:local/ana",
            "brief": { "title": "Greet", "goal": "Say hello" }, "repo": "/repo", "base": null, "provider": "local",
            "agent": "scripted", "model": null, "effort": null, "plan": false, "priority": 0, "labels": [],
            "branchPattern": "devtask/{task_id}-{task_slug}", "requireApprovalFor": [],
            "limits": {}, "policy": {}
        },
        "attempt": 1, "instance": "0123456789abcdef",
        "remote": { "url": "/repo", "needsCredential": false },
        "mirrors": null, "branch": null, "baseSha": null,
        "conversation": "11111111-2222-3333-4444-555555555555", "resume": false,
        "agent": { "command": ["agent"], "env": {} },
        "sandbox": { "bubblewrap": null, "hide": [] },
        "author": { "name": "Ana", "email": "ana@example.org" }
    });
    serde_json::from_value(json).expect("the shape of a run")
}

//! The model's things as GitHub's JSON, with every field that octocrab's models ask for.
//!
//! Addresses are made when an answer is: a forge that starts again on another port keeps nothing stale.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::model::{Comment, Model, Pull, Repo};

/// A repository's addresses below its own: GitHub's name without `_url`, and the rest of the path.
const ADDRESSES: &[(&str, &str)] = &[
    ("archive", "/{archive_format}{/ref}"),
    ("assignees", "/assignees{/user}"),
    ("blobs", "/git/blobs{/sha}"),
    ("branches", "/branches{/branch}"),
    ("collaborators", "/collaborators{/collaborator}"),
    ("comments", "/comments{/number}"),
    ("commits", "/commits{/sha}"),
    ("compare", "/compare/{base}...{head}"),
    ("contents", "/contents/{+path}"),
    ("contributors", "/contributors"),
    ("deployments", "/deployments"),
    ("downloads", "/downloads"),
    ("events", "/events"),
    ("forks", "/forks"),
    ("git_commits", "/git/commits{/sha}"),
    ("git_refs", "/git/refs{/sha}"),
    ("git_tags", "/git/tags{/sha}"),
    ("hooks", "/hooks"),
    ("issue_comment", "/issues/comments{/number}"),
    ("issue_events", "/issues/events{/number}"),
    ("issues", "/issues{/number}"),
    ("keys", "/keys{/key_id}"),
    ("labels", "/labels{/name}"),
    ("languages", "/languages"),
    ("merges", "/merges"),
    ("milestones", "/milestones{/number}"),
    ("notifications", "/notifications{?since,all,participating}"),
    ("pulls", "/pulls{/number}"),
    ("releases", "/releases{/id}"),
    ("stargazers", "/stargazers"),
    ("statuses", "/statuses/{sha}"),
    ("subscribers", "/subscribers"),
    ("subscription", "/subscription"),
    ("tags", "/tags"),
    ("teams", "/teams"),
    ("trees", "/git/trees{/sha}"),
];

/// Makes answers for one forge's address.
pub(super) struct Answers<'a> {
    pub web: &'a str,
    pub model: &'a Model,
}

impl Answers<'_> {
    fn api(&self) -> String {
        format!("{}/api/v3", self.web)
    }

    pub(super) fn user(&self, login: &str) -> Value {
        let id = self.model.user_id(login);
        let url = format!("{}/users/{login}", self.api());
        json!({
            "login": login, "id": id, "node_id": format!("U_{id}"), "type": "User", "site_admin": false,
            "avatar_url": format!("{}/avatars/{id}", self.web), "gravatar_id": "",
            "url": url, "html_url": format!("{}/{login}", self.web),
            "followers_url": format!("{url}/followers"), "following_url": format!("{url}/following"),
            "gists_url": format!("{url}/gists"), "starred_url": format!("{url}/starred"),
            "subscriptions_url": format!("{url}/subscriptions"), "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"), "events_url": format!("{url}/events"),
            "received_events_url": format!("{url}/received_events"),
        })
    }

    /// A user as only they see themselves.
    pub(super) fn myself(&self, login: &str) -> Value {
        let mut answer = self.user(login);
        let more = json!({
            "name": null, "company": null, "blog": "", "location": null, "email": null, "hireable": null,
            "bio": null, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
            "created_at": DateTime::<Utc>::UNIX_EPOCH, "updated_at": DateTime::<Utc>::UNIX_EPOCH, "private_gists": 0,
            "total_private_repos": 0, "owned_private_repos": 0, "disk_usage": 0, "collaborators": 0,
            "two_factor_authentication": true,
        });
        if let (Some(map), Value::Object(more)) = (answer.as_object_mut(), more) {
            map.extend(more);
        }
        answer
    }

    /// `caller`: the login whose permissions are shown; nobody's are shown to nobody.
    pub(super) fn repo(&self, repo: &Repo, caller: Option<&str>) -> Value {
        let full = repo.full_name();
        let mut answer = json!({
            "id": repo.id, "node_id": format!("R_{}", repo.id), "name": repo.name, "full_name": full,
            "private": repo.private, "visibility": if repo.private { "private" } else { "public" },
            "owner": self.user(&repo.owner), "html_url": format!("{}/{full}", self.web), "description": null,
            "fork": false, "url": format!("{}/repos/{full}", self.api()),
            "clone_url": format!("{}/{full}.git", self.web), "default_branch": repo.default_branch,
            "archived": false, "disabled": false, "created_at": repo.created_at, "updated_at": repo.created_at,
            "pushed_at": repo.created_at, "open_issues_count": repo.pulls.values().filter(|p| p.open).count(),
        });
        self.add_addresses(&full, &mut answer);
        if let (Some(login), Some(map)) = (caller, answer.as_object_mut()) {
            let access = repo.access(login);
            let push = access >= super::Access::Write;
            let admin = login == repo.owner;
            map.insert(
                "permissions".into(),
                json!({ "admin": admin, "maintain": admin, "push": push, "triage": push, "pull": true }),
            );
        }
        answer
    }

    /// What else GitHub says of every repository, most of it addresses.
    fn add_addresses(&self, full: &str, answer: &mut Value) {
        let Some(map) = answer.as_object_mut() else { return };
        let api = format!("{}/repos/{full}", self.api());
        for (name, rest) in ADDRESSES {
            map.insert(format!("{name}_url"), format!("{api}{rest}").into());
        }
        let web = format!("{}/{full}", self.web);
        for name in ["git_url", "ssh_url", "svn_url"] {
            map.insert(name.into(), format!("{web}.git").into());
        }
        for name in ["homepage", "language", "license", "mirror_url"] {
            map.insert(name.into(), Value::Null);
        }
        for name in ["has_projects", "has_wiki", "has_pages", "has_discussions"] {
            map.insert(name.into(), false.into());
        }
        map.insert("has_issues".into(), true.into());
        let open = map.get("open_issues_count").cloned().unwrap_or_default();
        map.insert("open_issues".into(), open);
        let counts = ["forks", "forks_count", "size", "stargazers_count", "watchers", "watchers_count"];
        for name in counts.into_iter().chain(["network_count", "subscribers_count"]) {
            map.insert(name.into(), 0.into());
        }
    }

    pub(super) fn pull(&self, repo: &Repo, pull: &Pull) -> Value {
        let (full, n) = (repo.full_name(), pull.number);
        let api = format!("{}/repos/{full}", self.api());
        let page = format!("{}/{full}/pull/{n}", self.web);
        json!({
            "id": pull.id, "node_id": format!("PR_{}", pull.id), "number": n, "url": format!("{api}/pulls/{n}"),
            "html_url": page, "diff_url": format!("{page}.diff"), "patch_url": format!("{page}.patch"),
            "issue_url": format!("{api}/issues/{n}"), "commits_url": format!("{api}/pulls/{n}/commits"),
            "comments_url": format!("{api}/issues/{n}/comments"),
            "review_comments_url": format!("{api}/pulls/{n}/comments"),
            "statuses_url": format!("{api}/statuses/{}", pull.head_sha),
            "state": if pull.open { "open" } else { "closed" }, "locked": false, "title": pull.title,
            "body": pull.body, "user": self.user(&pull.user), "labels": [], "milestone": null, "assignee": null,
            "assignees": [], "requested_reviewers": [], "requested_teams": [], "draft": pull.draft,
            "created_at": pull.created_at, "updated_at": pull.updated_at, "closed_at": pull.closed_at,
            "merged_at": pull.merged_at, "merged": pull.merged_at.is_some(), "author_association": "MEMBER",
            "maintainer_can_modify": pull.maintainer_can_modify, "comments": pull.comments.len(),
            "head": self.end(repo, &pull.head, &pull.head_sha), "base": self.end(repo, &pull.base, &pull.base_sha),
        })
    }

    fn end(&self, repo: &Repo, branch: &str, sha: &str) -> Value {
        json!({
            "label": format!("{}:{branch}", repo.owner), "ref": branch, "sha": sha,
            "user": self.user(&repo.owner), "repo": self.repo(repo, None),
        })
    }

    pub(super) fn comment(&self, repo: &Repo, number: u64, comment: &Comment) -> Value {
        let (full, id) = (repo.full_name(), comment.id);
        let api = format!("{}/repos/{full}", self.api());
        json!({
            "id": id, "node_id": format!("IC_{id}"), "url": format!("{api}/issues/comments/{id}"),
            "html_url": format!("{}/{full}/pull/{number}#issuecomment-{id}", self.web),
            "issue_url": format!("{api}/issues/{number}"), "body": comment.body, "user": self.user(&comment.user),
            "author_association": "MEMBER", "created_at": comment.created_at, "updated_at": comment.created_at,
        })
    }

    pub(super) fn branch(&self, repo: &Repo, name: &str, sha: &str) -> Value {
        let url = format!("{}/repos/{}/commits/{sha}", self.api(), repo.full_name());
        json!({ "name": name, "commit": { "sha": sha, "url": url }, "protected": false })
    }
}

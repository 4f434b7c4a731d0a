//! Links between people and their accounts.

use super::*;

#[tokio::test]
async fn a_person_has_one_account_and_the_newest_link_counts() {
    let bench = Bench::new().await;
    let (ana, bo) = (Actor::Person("slack/U0ANA".to_owned()), Actor::Person("local/bo".to_owned()));
    bench.store.link(&ana, "ana-old", "links/1.token").await.unwrap();
    bench.store.link(&ana, "ana", "links/2.token").await.unwrap();
    bench.store.link(&bo, "bo", "links/3.token").await.unwrap();
    let found = bench.store.linked(&ana).await.unwrap().unwrap();
    assert_eq!(
        (found.person, found.login.as_str(), found.token_file.as_str()),
        (ana.clone(), "ana", "links/2.token")
    );
    assert_eq!(bench.store.links().await.unwrap().len(), 2);
    bench.store.unlink(&ana).await.unwrap();
    assert_eq!(bench.store.linked(&ana).await.unwrap(), None);
}

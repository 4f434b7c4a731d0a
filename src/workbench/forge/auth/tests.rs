//! Laws of the credentials that git and octocrab send.

use super::{base64, token_in};

#[test]
fn basic_is_read_like_everybody_writes_it() {
    assert_eq!(base64("eC1hY2Nlc3MtdG9rZW46c2VjcmV0").unwrap(), b"x-access-token:secret");
    assert_eq!(base64("YQ==").unwrap(), b"a");
    assert_eq!(base64("YWI=").unwrap(), b"ab");
    assert_eq!(base64("Y\nQ"), None);
    assert_eq!(token_in("Basic eC1hY2Nlc3MtdG9rZW46c2VjcmV0").as_deref(), Some("secret"));
    assert_eq!(token_in("bearer  secret").as_deref(), Some("secret"));
    assert_eq!(token_in("secret"), None);
}

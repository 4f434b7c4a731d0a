//! A certificate that signs itself, made when it is needed and trusted by nobody who is not told to.
//!
//! Knows the few shapes of X.509 and PEM that takes; the key and the signature are rustls' own. Must not know who shows
//! it.

use devtask::clock::Clock;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// For `localhost`, with its key.
pub struct Certificate {
    pub der: CertificateDer<'static>,
    pub key: PrivateKeyDer<'static>,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const BYTES: u8 = 0x04;
const NAME: u8 = 0x06;
const UTF8: u8 = 0x0c;
const TIME: u8 = 0x17;
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const OTHER_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// One value: what it is, how long, and its parts.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let inside = parts.concat();
    let length = match inside.len() {
        n @ 0..=0x7f => vec![u8::try_from(n).unwrap()],
        n @ 0x80..=0xff => vec![0x81, u8::try_from(n).unwrap()],
        n => [vec![0x82], u16::try_from(n).unwrap().to_be_bytes().to_vec()].concat(),
    };
    [vec![tag], length, inside].concat()
}

impl Certificate {
    pub fn of_its_own() -> Self {
        let algorithm = value(SEQUENCE, &[&value(NAME, &[ED25519])]);
        // Any 32 bytes are a key.
        let seed = [(); 2].map(|()| *Clock::system().random_id().as_bytes()).concat();
        let seed = value(BYTES, &[&value(BYTES, &[&seed])]);
        let key = value(SEQUENCE, &[&value(INTEGER, &[&[0]]), &algorithm, &seed]);
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
        let hand = any_supported_type(&key).unwrap();
        let said = said(&algorithm, &hand.public_key().unwrap());
        let signed = hand.choose_scheme(&[SignatureScheme::ED25519]).unwrap().sign(&said).unwrap();
        let der = value(SEQUENCE, &[&said, &algorithm, &value(BITS, &[&[0], &signed])]);
        Self { der: CertificateDer::from(der), key }
    }

    /// As files of trusted certificates have it.
    pub fn pem(&self) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64(&self.der))
    }
}

/// What is signed: version 3, a number, from whom for whom, from when to when, the key, and where it holds.
fn said(algorithm: &[u8], public_key: &[u8]) -> Vec<u8> {
    let name = value(SEQUENCE, &[&value(NAME, &[COMMON_NAME]), &value(UTF8, &[b"a test of its own"])]);
    let name = value(SEQUENCE, &[&value(SET, &[&name])]);
    let times = value(SEQUENCE, &[&value(TIME, &[b"200101000000Z"]), &value(TIME, &[b"491231235959Z"])]);
    let host = value(SEQUENCE, &[&value(0x82, &[b"localhost"])]);
    let hosts = value(SEQUENCE, &[&value(NAME, &[OTHER_NAMES]), &value(BYTES, &[&host])]);
    let hosts = value(0xa3, &[&value(SEQUENCE, &[&hosts])]);
    let version = value(0xa0, &[&value(INTEGER, &[&[2]])]);
    let number = value(INTEGER, &[&[1]]);
    value(SEQUENCE, &[&version, &number, algorithm, &name, &times, &name, public_key, &hosts])
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let four = |three: &[u8]| {
        let bits = three.iter().chain(&[0, 0]).take(3).fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        let letter = |n: usize| char::from(LETTERS[bits >> (18 - 6 * n) & 63]);
        (0..4).map(|n| if n <= three.len() { letter(n) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(four).collect()
}

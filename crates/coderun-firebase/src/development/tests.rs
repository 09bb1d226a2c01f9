use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::Barrier;

use coderun_domain::testing::{ManualClock, at, user};
use coderun_domain::{ErrorChain, TokenVerifier as _};
use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::testing::{config, good, verdict, verifier};

struct Fixture {
    directory: TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// A directory that does not exist yet.
    fn state(&self) -> PathBuf {
        self.directory.path().join("state").join("coderun")
    }

    fn key_file(&self) -> PathBuf {
        self.state().join("development-issuer-key.der")
    }

    fn open(&self) -> Result<DevelopmentIssuer, IssuerError> {
        DevelopmentIssuer::open(&self.state())
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::default())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn key_name(issuer: &DevelopmentIssuer) -> String {
    format!("{:?}", issuer.keys)
}

fn request() -> TokenRequest {
    TokenRequest {
        email: Some("alice@example.com".to_owned()),
        name: Some("Alice \"😀\"".to_owned()),
        ..TokenRequest::new(user("alice"))
    }
}

#[tokio::test]
async fn its_verifier_accepts_its_tokens() {
    let issuer = Fixture::new().open().unwrap();
    let token = issuer.issue(&request(), at(0)).unwrap();
    let principal = issuer.verifier(clock()).verify(&token).await.unwrap();
    assert_eq!(principal.user, user("alice"));
    assert_eq!(principal.expires_at, at(3600));
    assert_eq!(principal.email, request().email);
    assert_eq!(principal.name, request().name);
    assert_eq!(principal.email_verified, Some(true));
}

#[tokio::test]
async fn a_token_need_not_name_more_than_the_user() {
    let issuer = Fixture::new().open().unwrap();
    let token = issuer
        .issue(&TokenRequest::new(user("bob")), at(0))
        .unwrap();
    let principal = issuer.verifier(clock()).verify(&token).await.unwrap();
    assert_eq!(principal.email, None);
    assert_eq!(principal.name, None);
    assert_eq!(principal.email_verified, None);
}

#[tokio::test]
async fn it_and_firebase_do_not_accept_each_others_tokens() {
    let issuer = Fixture::new().open().unwrap();
    let own = issuer.issue(&request(), at(0)).unwrap();
    let firebase = verifier(config());
    assert_eq!(verdict(&firebase, own.expose()).await, "audience");
    assert_eq!(
        verdict(&issuer.verifier(clock()), &good()).await,
        "audience"
    );
}

#[tokio::test]
async fn another_directory_is_another_issuer() {
    let (one, other) = (
        Fixture::new().open().unwrap(),
        Fixture::new().open().unwrap(),
    );
    let token = one.issue(&request(), at(0)).unwrap();
    let verdict = verdict(&other.verifier(clock()), token.expose()).await;
    assert_eq!(verdict, "unknown-kid");
}

#[tokio::test]
async fn the_key_stays() {
    let fixture = Fixture::new();
    let token = fixture.open().unwrap().issue(&request(), at(0)).unwrap();
    let reopened = fixture.open().unwrap();
    assert!(reopened.verifier(clock()).verify(&token).await.is_ok());
}

#[test]
fn concurrent_openers_share_one_key() {
    const OPENERS: usize = 8;
    let fixture = Fixture::new();
    let barrier = Barrier::new(OPENERS);
    let mut names: Vec<String> = std::thread::scope(|scope| {
        let open = || {
            barrier.wait();
            key_name(&fixture.open().unwrap())
        };
        let threads: Vec<_> = (0..OPENERS).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    names.dedup();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(names[0], key_name(&fixture.open().unwrap()));
    let files = fs::read_dir(fixture.state()).unwrap().count();
    assert_eq!(files, 1, "drafts were left behind");
}

#[test]
fn directory_and_key_are_private() {
    let fixture = Fixture::new();
    fixture.open().unwrap();
    assert_eq!(mode(&fixture.state()), 0o700);
    assert_eq!(mode(&fixture.key_file()), 0o600);
}

fn chain(error: &IssuerError) -> String {
    ErrorChain(error).to_string()
}

/// Why the key file is not used. The text begins with its path and with what to do.
fn key_file_error(fixture: &Fixture) -> String {
    let text = chain(&fixture.open().unwrap_err());
    let path = fixture.key_file();
    let start = format!(
        "the development key `{}` cannot be used; delete it to get a new one",
        path.display()
    );
    assert!(text.starts_with(&start), "{text}");
    text
}

#[rstest]
#[case::group_reads(0o640)]
#[case::all_read(0o644)]
#[case::others_write(0o602)]
#[case::executable(0o700)]
#[case::read_only(0o400)]
#[case::set_user_id(0o4600)]
fn a_key_of_another_mode_is_refused(#[case] wrong: u32) {
    let fixture = Fixture::new();
    fixture.open().unwrap();
    set_mode(&fixture.key_file(), wrong);
    let text = key_file_error(&fixture);
    let expected = format!(": its mode is {wrong:04o}, 0600 is needed");
    assert!(text.ends_with(&expected), "{text}");
}

#[rstest]
#[case::private(0o700, true)]
#[case::others_read(0o755, true)]
#[case::group_writes(0o770, false)]
#[case::others_write(0o702, false)]
#[case::like_tmp(0o1777, false)]
fn a_directory_in_which_others_write_is_refused(#[case] mode: u32, #[case] accepted: bool) {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.state()).unwrap();
    set_mode(&fixture.state(), mode);
    match fixture.open() {
        Ok(_) => assert!(accepted),
        Err(error) => {
            assert!(!accepted, "{error:?}");
            let source = PrivateFileError::Mode {
                actual: mode,
                expected: 0o700,
            };
            let path = fixture.state();
            assert_eq!(
                chain(&error),
                chain(&IssuerError::Directory { path, source })
            );
            assert!(!fixture.key_file().exists());
        }
    }
}

fn link_to_a_key(fixture: &Fixture) {
    let elsewhere = fixture.directory.path().join("elsewhere");
    DevelopmentIssuer::open(&elsewhere).unwrap();
    let key = elsewhere.join("development-issuer-key.der");
    symlink(key, fixture.key_file()).unwrap();
}

fn link_to_nothing(fixture: &Fixture) {
    symlink(fixture.state().join("planted"), fixture.key_file()).unwrap();
}

fn directory(fixture: &Fixture) {
    fs::create_dir(fixture.key_file()).unwrap();
}

fn fifo(fixture: &Fixture) {
    let private = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, fixture.key_file(), private).unwrap();
}

#[rstest]
#[case(link_to_a_key, "it is a symbolic link")]
#[case(link_to_nothing, "it is a symbolic link")]
#[case(directory, "it is not a regular file")]
#[case(fifo, "it is not a regular file")]
fn only_a_file_in_place_of_the_key_is_read(#[case] make: fn(&Fixture), #[case] expected: &str) {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.state()).unwrap();
    make(&fixture);
    let text = key_file_error(&fixture);
    assert!(text.ends_with(&format!(": {expected}")), "{text}");
    assert!(!fixture.state().join("planted").exists());
}

#[rstest]
#[case::empty(b"".to_vec())]
#[case::not_a_key(b"no key".to_vec())]
#[case::too_long(vec![0x30; 1 << 20])]
fn a_damaged_key_is_refused_and_kept(#[case] content: Vec<u8>) {
    let fixture = Fixture::new();
    fixture.open().unwrap();
    fs::write(fixture.key_file(), &content).unwrap();
    let text = key_file_error(&fixture);
    assert!(text.contains(": its content cannot be used"), "{text}");
    assert_eq!(fs::read(fixture.key_file()).unwrap(), content);
}

#[test]
fn a_file_in_place_of_the_directory_is_an_error() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.state().parent().unwrap()).unwrap();
    fs::write(fixture.state(), "").unwrap();
    let error = fixture.open().unwrap_err();
    assert!(matches!(error, IssuerError::Directory { .. }), "{error:?}");
}

#[rstest]
#[case::shortest(Duration::from_secs(1), true)]
#[case::less_than_a_second(Duration::from_millis(999), false)]
#[case::longest(Duration::from_hours(24), true)]
#[case::too_long(Duration::from_millis(86_400_001), false)]
#[tokio::test]
async fn what_is_issued_is_accepted(#[case] lifetime: Duration, #[case] issued: bool) {
    let issuer = Fixture::new().open().unwrap();
    let request = TokenRequest {
        lifetime,
        ..request()
    };
    match issuer.issue(&request, at(0)) {
        Ok(token) => {
            assert!(issued);
            issuer.verifier(clock()).verify(&token).await.unwrap();
        }
        Err(error) => {
            assert!(!issued);
            assert!(matches!(error, IssuerError::Lifetime { .. }), "{error:?}");
        }
    }
}

#[test]
fn a_token_that_is_too_long_is_not_issued() {
    let issuer = Fixture::new().open().unwrap();
    let request = TokenRequest {
        name: Some("n".repeat(8 * 1024)),
        ..request()
    };
    let error = issuer.issue(&request, at(0)).unwrap_err();
    assert!(matches!(error, IssuerError::TooLong { .. }), "{error:?}");
}

#[test]
fn it_does_not_show_its_key() {
    let issuer = Fixture::new().open().unwrap();
    let shown = format!("{issuer:?}");
    assert!(shown.contains("key: SigningKey { .. }"), "{shown}");
}

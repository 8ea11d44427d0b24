#![allow(clippy::unwrap_used)]

use super::*;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test]
async fn what_it_prints_is_had_word_by_word_and_by_no_shell() {
    let check = async |given: &[&str], expected: &str| {
        assert_eq!(run(&words(given)).await.unwrap().expose(), expected);
    };
    check(&["printf", "%s", "$HOME; `id`"], "$HOME; `id`").await;
    check(&["sh", "-c", "echo token; echo noise >&2"], "token\n").await;
}

#[tokio::test]
async fn what_fails_is_told_without_what_it_printed() {
    let check = async |given: &[&str], part: &str, fatal: bool| {
        let limit = if part.contains("was killed") { Duration::from_millis(300) } else { LIMIT };
        let error = run_within(limit, &words(given)).await.err().unwrap();
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
        assert_eq!(error.is_fatal(), fatal, "{error}");
        assert!(error.remedy().is_some());
    };
    check(&["sh", "-c", "echo s3cret; echo 'no  such\norg' >&2; exit 3"], "exit status: 3: no such org", false).await;
    check(&["/no/such/program", "s3cret"], "command `/no/such/program` cannot be started", false).await;
    check(&[], "is empty", true).await;
    check(&["sh", "-c", "printf '\\377s3cret'"], "other than text", true).await;
    check(&["sleep", "60"], "did not end within 0.3 s and was killed", false).await;
    check(&["sh", "-c", "echo s3cret; sleep 60 & wait"], "was killed", false).await;
}

#[tokio::test]
async fn what_a_command_started_ends_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let script = format!("sleep 60 & echo $! > {}; wait", file.display());
    let started = || std::fs::read_to_string(&file).ok()?.strip_suffix('\n')?.parse::<i32>().ok();
    // A busy machine takes its time to start it.
    let mut limit = Duration::from_millis(100);
    let pid = loop {
        run_within(limit, &words(&["sh", "-c", &script])).await.err().unwrap();
        match started() {
            Some(pid) => break pid,
            None => limit *= 4,
        }
        assert!(limit < LIMIT, "it was never started");
    };
    // Gone, or dead and not yet taken note of by whoever adopted it.
    let gone = || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.contains(") Z "),
        Err(_) => true,
    };
    let waited = async {
        while !gone() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), waited).await.unwrap();
}

#[tokio::test]
async fn output_without_an_end_is_refused() {
    let error = run(&words(&["sh", "-c", "head -c 3000000 /dev/zero"])).await.err().unwrap();
    assert!(error.to_string().contains("printed more than"), "{error}");
}

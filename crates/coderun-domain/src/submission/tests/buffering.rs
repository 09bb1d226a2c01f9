use super::*;

#[rstest]
#[case::by_default(draft(), Buffering::Line)]
#[case::where_output_is_only_compared(compared_draft(), Buffering::Full)]
#[case::where_somebody_types(SubmissionDraft { interactive: true, ..compared_draft() }, Buffering::Line)]
#[case::as_asked(SubmissionDraft { buffering: Some("full".to_owned()), ..draft() }, Buffering::Full)]
#[case::as_asked_although_it_is_compared(
    SubmissionDraft { buffering: Some("line".to_owned()), ..compared_draft() },
    Buffering::Line
)]
fn output_is_buffered_by_line_unless_it_is_only_compared_or_asked_for(
    #[case] draft: SubmissionDraft,
    #[case] expected: Buffering,
) {
    assert_eq!(parse(draft).unwrap().buffering(), expected);
}

fn compared_draft() -> SubmissionDraft {
    SubmissionDraft {
        expected_output: Some("42".to_owned()),
        ..draft()
    }
}

#[test]
fn a_way_of_buffering_that_does_not_exist_is_refused() {
    let bad = SubmissionDraft {
        buffering: Some("none".to_owned()),
        ..draft()
    };
    assert_eq!(messages(bad), ["buffering must be one of line, full"]);
}

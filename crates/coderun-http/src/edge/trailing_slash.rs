//! Lets a slash at the end of a path change nothing, for clients of the service that this one replaces.

use actix_web::dev::ServiceRequest;
use actix_web::http::Uri;
use actix_web::http::uri::PathAndQuery;

/// Routes a request for `/path/` as one for `/path`, without a redirect.
pub(super) fn remove(request: &mut ServiceRequest) {
    if let Some(uri) = without_slash(request.uri()) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

fn without_slash(uri: &Uri) -> Option<Uri> {
    let path = uri
        .path()
        .strip_suffix('/')
        .filter(|path| !path.is_empty())?;
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::from_maybe_shared(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/a/", Some("/a"))]
    #[case("/a/?b=/", Some("/a?b=/"))]
    #[case("/a//", Some("/a/"))]
    #[case("/a", None)]
    #[case("/a?b=c/", None)]
    #[case("/", None)]
    #[case("//", Some("/"))]
    #[case("*", None)]
    fn one_slash_is_removed(#[case] uri: &str, #[case] expected: Option<&str>) {
        let uri: Uri = uri.parse().unwrap();
        let expected = expected.map(|text| text.parse().unwrap());
        assert_eq!(without_slash(&uri), expected);
    }
}

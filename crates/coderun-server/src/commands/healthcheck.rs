//! `coderun healthcheck` asks a running service whether it is ready.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::print;
use crate::settings::Settings;

/// A service that takes longer counts as not ready.
const DEADLINE: Duration = Duration::from_secs(5);

/// Succeeds if the service is ready.
pub(crate) fn healthcheck(settings: &Settings, url: Option<&str>) -> anyhow::Result<ExitCode> {
    let base = url.map_or_else(|| own_url(settings.listen_address()), str::to_owned);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(ask(base.trim_end_matches('/')))?;
    print("ready")?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(base: &str) -> anyhow::Result<()> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(DEADLINE)
        .build()?;
    let answer = client
        .get(format!("{base}/health/ready"))
        .send()
        .await
        .with_context(|| format!("no answer from {base}"))?;
    let status = answer.status();
    if !status.is_success() {
        bail!("not ready ({status}): {}", answer.text().await?);
    }
    Ok(())
}

/// The URL at which this machine reaches a service that listens on this address.
fn own_url(address: SocketAddr) -> String {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    format!("http://{}", SocketAddr::new(host, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_is_reached_over_loopback() {
        let url = |text: &str| own_url(text.parse().unwrap());
        assert_eq!(url("0.0.0.0:8001"), "http://127.0.0.1:8001");
        assert_eq!(url("[::]:8001"), "http://[::1]:8001");
        assert_eq!(url("192.0.2.1:80"), "http://192.0.2.1:80");
    }
}

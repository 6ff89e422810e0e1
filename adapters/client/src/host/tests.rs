use super::*;

#[test]
fn the_clock_runs_forward_and_converts_both_ways() {
    let (before, std_before) = (monotonic_now(), std::time::Instant::now());
    let converted = std_instant(before).unwrap();
    assert!(converted <= std_before);
    assert!(monotonic_now() >= before);
    assert_eq!(std_instant(Instant::FAR_FUTURE), None);
    assert!(unix_time() > Duration::from_secs(1_700_000_000));
}

#[test]
fn random_bytes_differ() {
    let (mut a, mut b) = ([0; 32], [0; 32]);
    fill_random(&mut a);
    fill_random(&mut b);
    assert_ne!(a, b);
}

#[test]
fn datagrams_go_out_in_the_family_of_their_peer() {
    assert_eq!(any_port("10.0.0.1:53".parse().unwrap()), "0.0.0.0:0".parse().unwrap());
    assert_eq!(any_port("[::1]:53".parse().unwrap()), "[::]:0".parse().unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn tcp_sockets_do_not_wait_and_stay_awake() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    tune_tcp(&socket).unwrap();
    let socket = socket2::SockRef::from(&socket);
    assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(120));
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(10));
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 9);
}

//! A real nginx with the configuration that `packaging/` holds, before a server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::executable::Binary;

const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/nginx.conf");

/// nginx before a server; ends with this.
pub(crate) struct Proxy {
    process: Child,
    at: SocketAddr,
    _directory: TempDir,
}

/// The configuration with other places in it; each stands there once.
fn placed(changes: &[(&str, &str)]) -> String {
    let mut text = std::fs::read_to_string(CONFIGURATION).unwrap();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    text
}

impl Proxy {
    pub(crate) fn before(server: &Binary) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        // Between this look at which port is free and nginx's taking it, somebody else might; then the next one will do.
        for _ in 0..10 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let at = free.local_addr().unwrap();
            drop(free);
            let site = placed(&[
                (
                    "    listen 80;\n",
                    &format!("    listen unix:{};\n", path("80")),
                ),
                ("    listen [::]:80;\n", ""),
                ("    listen 443 ssl;\n", &format!("    listen {at};\n")),
                ("    listen [::]:443 ssl;\n", ""),
                (
                    "    ssl_certificate /etc/letsencrypt/live/chat.example/fullchain.pem;\n",
                    "",
                ),
                (
                    "    ssl_certificate_key /etc/letsencrypt/live/chat.example/privkey.pem;\n",
                    "",
                ),
                ("127.0.0.1:8000", server.url.trim_start_matches("http://")),
            ]);
            std::fs::write(path("saryno.conf"), site).unwrap();
            let whole = format!(
                "daemon off; master_process off; pid {}; error_log {} info; worker_rlimit_nofile 16384;
                events {{ worker_connections 8192; }}
                http {{ access_log off; client_body_temp_path {}; proxy_temp_path {}; fastcgi_temp_path {}; uwsgi_temp_path {};
                scgi_temp_path {}; include {}; }}",
                path("pid"),
                path("log"),
                path("body"),
                path("proxy"),
                path("fastcgi"),
                path("uwsgi"),
                path("scgi"),
                path("saryno.conf"),
            );
            std::fs::write(path("nginx.conf"), whole).unwrap();
            let mut process = Command::new("nginx")
                .args([
                    "-p",
                    &path(""),
                    "-e",
                    &path("log"),
                    "-c",
                    &path("nginx.conf"),
                ])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("nginx, of Debian's package nginx");
            let listens = loop {
                if TcpStream::connect(at).is_ok() {
                    break true;
                }
                if process.try_wait().unwrap().is_some() {
                    break false;
                }
                sleep(Duration::from_millis(10));
            };
            if listens {
                return Self {
                    process,
                    at,
                    _directory: directory,
                };
            }
        }
        panic!("{}", std::fs::read_to_string(path("log")).unwrap());
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// A connection from this address.
    pub(crate) fn connect_from(&self, address: Ipv4Addr) -> TcpStream {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let stream = runtime.block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            // Small, so that who doesn't read soon takes no more.
            socket.set_recv_buffer_size(16 * 1024).unwrap();
            socket.bind((address, 0).into()).unwrap();
            socket.connect(self.at).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        let limit = Some(Duration::from_mins(1));
        stream.set_read_timeout(limit).unwrap();
        stream
    }

    /// What comes back for these bytes from this address, until the connection is closed.
    pub(crate) fn raw_from(&self, address: Ipv4Addr, bytes: &[u8]) -> String {
        let mut stream = self.connect_from(address);
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// What a request for a path from this address is answered with.
    pub(crate) fn get_from(&self, address: Ipv4Addr, path: &str, headers: &str) -> String {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: chat.example\r\nConnection: close\r\n{headers}\r\n"
        );
        self.raw_from(address, request.as_bytes())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

import http.server
import json
import select
import socket
import socketserver
import threading
import urllib.request


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with socket.create_connection(server.server_address, timeout=5) as client:
        client.sendall(b"hello\n")
        print(client.makefile().readline().strip())
    server.shutdown()

six = socket.create_server(("::1", 0), family=socket.AF_INET6)
client = socket.create_connection(six.getsockname()[:2], timeout=5)
peer, address = six.accept()
client.sendall(b"six")
print(peer.recv(10), address[0])


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"path": self.path}).encode())

    def log_message(self, *_):
        pass


web = http.server.HTTPServer(("localhost", 8080), Answer)
threading.Thread(target=web.serve_forever, daemon=True).start()
print(json.load(urllib.request.urlopen("http://localhost:8080/page?x=1", timeout=5)))

left, right = socket.socketpair()
left.send(b"pair")
print(select.select([right], [], [], 5)[0] == [right], right.recv(10))
sender, receiver = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
receiver.bind(("127.0.0.1", 0))
sender.sendto(b"datagram", receiver.getsockname())
print(receiver.recv(100))
try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
except OSError as error:
    print(error.strerror)
try:
    urllib.request.urlopen("http://example.com", timeout=1)
except OSError as error:
    print("no such host:", type(error.reason).__name__)

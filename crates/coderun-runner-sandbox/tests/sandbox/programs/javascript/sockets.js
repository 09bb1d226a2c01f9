const dgram = require("dgram");
const http = require("http");
const net = require("net");

const echo = net.createServer((socket) => socket.on("data", (data) => socket.end(data.toString().toUpperCase())));
echo.listen(0, "127.0.0.1", () => {
  net.connect(echo.address().port, "127.0.0.1", function () { this.write("hello"); })
    .on("data", (data) => console.log(data.toString()))
    .on("close", () => echo.close(web));
});

function web() {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ path: request.url }));
  });
  server.listen(3000, async () => {
    const answer = await fetch("http://localhost:3000/page?x=1");
    console.log(answer.status, await answer.json());
    server.close(six);
    server.closeAllConnections();
  });
}

function six() {
  const server = net.createServer((socket) => socket.end("six")).listen(0, "::1", () => {
    net.connect(server.address().port, "::1").on("data", (data) => console.log(data.toString())).on("close", () => server.close(datagrams));
  });
}

function datagrams() {
  const receiver = dgram.createSocket("udp4").bind(0, "127.0.0.1", () => {
    const sender = dgram.createSocket("udp4");
    sender.send("datagram", receiver.address().port, "127.0.0.1", () => sender.close());
  });
  receiver.on("message", (message) => {
    console.log(message.toString());
    receiver.close(outside);
  });
}

function outside() {
  net.connect(80, "192.0.2.1").on("error", (error) => {
    console.log(error.code);
    fetch("http://example.com").catch(({ message }) => console.log(message));
  });
}

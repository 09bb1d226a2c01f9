python3 -c '
import socket
server = socket.create_server(("127.0.0.1", 5000))
print("listening", flush=True)
peer, _ = server.accept()
peer.sendall(peer.recv(100).upper())
' > started &
until grep -qs listening started; do sleep 0.02; done
exec 3<> /dev/tcp/127.0.0.1/5000
echo "hello over tcp" >&3
cat <&3
wait
(exec 4<> /dev/tcp/192.0.2.1/80) 2>/dev/null || echo "unreachable"

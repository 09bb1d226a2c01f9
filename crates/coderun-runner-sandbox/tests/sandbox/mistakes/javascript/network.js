fetch("http://example.com").then((answer) => console.log(answer.status));

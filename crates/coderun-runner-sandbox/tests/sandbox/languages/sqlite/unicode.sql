CREATE TABLE lines (line TEXT);
.import /dev/stdin lines
SELECT line FROM lines;
SELECT 'žluťoučký 🐎';

CREATE TABLE people (name);
SELECT * FROM peopel;

import { readFileSync } from 'fs';

process.stdout.write(readFileSync(0, 'utf8'));
const horse: string = 'žluťoučký 🐎';
console.log(horse);

import * as fs from 'fs';

const lines: string[] = fs.readFileSync(0, 'utf8').trim().split('\n');
const total: number = lines.map(Number).reduce((a, b) => a + b);
console.log(total);

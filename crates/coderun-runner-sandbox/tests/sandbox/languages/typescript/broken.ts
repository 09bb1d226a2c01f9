console.log('before');
const x: number = 'a word';

console.log('before');
throw new Error('no such luck');

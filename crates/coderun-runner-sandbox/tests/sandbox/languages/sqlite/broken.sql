SELECT 'before';
SELEKT 'after';

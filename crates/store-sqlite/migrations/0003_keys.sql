-- Keys with which callers sign requests, as AWS has it: sealed with a key of the root's. A token
-- without one is a text of which only the hash is kept.

ALTER TABLE token ADD COLUMN key_epoch INTEGER CHECK (key_epoch > 0);
ALTER TABLE token ADD COLUMN key_sealed BLOB;
ALTER TABLE token ADD COLUMN key_manages INTEGER CHECK (key_manages IN (0, 1));

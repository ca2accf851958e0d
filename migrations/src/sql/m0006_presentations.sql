alter table quotes add column presentation text;

CREATE TABLE public.gilbench_history (
    version integer NOT NULL
);
CREATE TABLE public.gilbench_points (
    series integer NOT NULL,
    study integer NOT NULL,
    value double precision NOT NULL,
    lo double precision,
    hi double precision,
    blocks integer NOT NULL
);
CREATE TABLE public.gilbench_series (
    id integer NOT NULL,
    digest character varying(64) NOT NULL,
    workload text NOT NULL,
    workload_digest text NOT NULL,
    interpreter text NOT NULL,
    reference text,
    threads integer NOT NULL,
    parameters text NOT NULL,
    gil boolean,
    switch_interval double precision,
    cpus integer,
    observers text NOT NULL,
    metric text NOT NULL,
    unit text NOT NULL,
    better text NOT NULL
);
CREATE SEQUENCE public.gilbench_series_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.gilbench_series_id_seq OWNED BY public.gilbench_series.id;
CREATE TABLE public.gilbench_studies (
    id integer NOT NULL,
    digest character varying(64) NOT NULL,
    moment double precision NOT NULL,
    created text NOT NULL,
    commit text,
    branch text,
    label text,
    host text NOT NULL,
    reference_build text NOT NULL
);
CREATE SEQUENCE public.gilbench_studies_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.gilbench_studies_id_seq OWNED BY public.gilbench_studies.id;
ALTER TABLE ONLY public.gilbench_series ALTER COLUMN id SET DEFAULT nextval('public.gilbench_series_id_seq'::regclass);
ALTER TABLE ONLY public.gilbench_studies ALTER COLUMN id SET DEFAULT nextval('public.gilbench_studies_id_seq'::regclass);
INSERT INTO public.gilbench_history VALUES (1);
INSERT INTO public.gilbench_points VALUES (1, 1, 2.0077440625559144, 1.9876666219303551, 2.0278215031814737, 70000);
INSERT INTO public.gilbench_points VALUES (1, 4, 1.995417994817356, 1.9754638148691825, 2.0153721747655298, 70000);
INSERT INTO public.gilbench_points VALUES (1, 7, 1.7944890962681115, 1.7765442053054303, 1.8124339872307926, 70000);
INSERT INTO public.gilbench_points VALUES (2, 1, 1.0038720312779572, 0.9938333109651776, 1.0139107515907368, 5);
INSERT INTO public.gilbench_points VALUES (2, 2, 1.004357804560668, 0.9943142265150613, 1.0144013826062748, 5);
INSERT INTO public.gilbench_points VALUES (2, 3, 1.0001990272301065, 0.9901970369578054, 1.0102010175024074, 5);
INSERT INTO public.gilbench_points VALUES (2, 4, 0.997708997408678, 0.9877319074345913, 1.0076860873827649, 5);
INSERT INTO public.gilbench_points VALUES (2, 5, 0.8970559580586804, 0.8880853984780936, 0.9060265176392672, 5);
INSERT INTO public.gilbench_points VALUES (2, 6, 0.9000846071720706, 0.8910837611003499, 0.9090854532437913, 5);
INSERT INTO public.gilbench_points VALUES (2, 7, 0.8972445481340557, 0.8882721026527152, 0.9062169936153963, 5);
INSERT INTO public.gilbench_points VALUES (2, 8, 0.8961289096369869, 0.887167620540617, 0.9050901987333567, 5);
INSERT INTO public.gilbench_points VALUES (3, 1, 0.010038720312779572, NULL, NULL, 5);
INSERT INTO public.gilbench_points VALUES (3, 2, 0.01004357804560668, NULL, NULL, 5);
INSERT INTO public.gilbench_points VALUES (3, 3, 0.010001990272301064, NULL, NULL, 5);
INSERT INTO public.gilbench_points VALUES (3, 4, 'Infinity', NULL, NULL, 5);
INSERT INTO public.gilbench_points VALUES (3, 5, 0.008970559580586804, NULL, NULL, 5);
INSERT INTO public.gilbench_points VALUES (3, 6, 0.009000846071720706, NULL, NULL, 5);
INSERT INTO public.gilbench_points VALUES (3, 7, 0.008972445481340558, NULL, NULL, 5);
INSERT INTO public.gilbench_points VALUES (3, 8, 0.00896128909636987, NULL, NULL, 5);
INSERT INTO public.gilbench_series VALUES (1, 'ac715f7ab9f0a9de99cc2bddf186cc9e2c7b70ea3bd042736b7d020a631a10d4', 'countdown', '', '3.14t', '3.13', 8, '[["size",3]]', false, NULL, NULL, '[]', 'relative', 'x', 'higher');
INSERT INTO public.gilbench_series VALUES (2, 'b69dbacad7912c92add158c6c8e8273f52f404e467f2e6882c6389ace7f75713', 'countdown', '', '3.14t', '3.13', 4, '[]', NULL, NULL, NULL, '[]', 'relative', 'x', 'higher');
INSERT INTO public.gilbench_series VALUES (3, 'd440836a157d7528e69680e382b4f0387f529c0e38d67aa7c0c8d835daaa3ebf', 'countdown', '', '3.14t', NULL, 4, '[]', NULL, NULL, NULL, '[]', 'latency_p99', 's', 'lower');
INSERT INTO public.gilbench_studies VALUES (1, '0000000000000000000000000000000000000000000000000000000000000000', 1767225600, '2026-01-01T00:00:00+00:00', 'c0', NULL, 'first', 'some CPU, 2 cores, Linux 6.1 x86_64', '3.13 (CPython 3.13.5)');
INSERT INTO public.gilbench_studies VALUES (2, '0000000000000000000000000000000000000000000000000000000000000001', 1767312000, '2026-01-02T00:00:00+00:00', 'c1', 'main', NULL, 'some CPU, 2 cores, Linux 6.1 x86_64', '3.13 (CPython 3.13.5)');
INSERT INTO public.gilbench_studies VALUES (3, '0000000000000000000000000000000000000000000000000000000000000002', 1767398400, '2026-01-03T00:00:00+00:00', 'c2', 'main', NULL, 'some CPU, 2 cores, Linux 6.1 x86_64', '3.13 (CPython 3.13.5)');
INSERT INTO public.gilbench_studies VALUES (4, '0000000000000000000000000000000000000000000000000000000000000003', 1767484800, '2026-01-04T00:00:00+00:00', 'c3', 'main', NULL, 'some CPU, 2 cores, Linux 6.1 x86_64', '3.13 (CPython 3.13.5)');
INSERT INTO public.gilbench_studies VALUES (5, '0000000000000000000000000000000000000000000000000000000000000004', 1767571200, '2026-01-05T00:00:00+00:00', 'c4', 'main', NULL, 'some CPU, 2 cores, Linux 6.1 x86_64', '3.13 (CPython 3.13.5)');
INSERT INTO public.gilbench_studies VALUES (6, '0000000000000000000000000000000000000000000000000000000000000005', 1767657600, '2026-01-06T00:00:00+00:00', 'c5', 'main', NULL, 'some CPU, 2 cores, Linux 6.1 x86_64', '3.13 (CPython 3.13.5)');
INSERT INTO public.gilbench_studies VALUES (7, '0000000000000000000000000000000000000000000000000000000000000006', 1767744000, '2026-01-07T00:00:00+00:00', 'c6', 'main', NULL, 'some CPU, 2 cores, Linux 6.1 x86_64', '3.13 (CPython 3.13.5)');
INSERT INTO public.gilbench_studies VALUES (8, '0000000000000000000000000000000000000000000000000000000000000007', 1767830400, '2026-01-08T00:00:00+00:00', 'c7', 'main', NULL, 'some CPU, 2 cores, Linux 6.1 x86_64', '3.13 (CPython 3.13.5)');
SELECT pg_catalog.setval('public.gilbench_series_id_seq', 3, true);
SELECT pg_catalog.setval('public.gilbench_studies_id_seq', 8, true);
ALTER TABLE ONLY public.gilbench_points
    ADD CONSTRAINT gilbench_points_pkey PRIMARY KEY (series, study);
ALTER TABLE ONLY public.gilbench_series
    ADD CONSTRAINT gilbench_series_digest_key UNIQUE (digest);
ALTER TABLE ONLY public.gilbench_series
    ADD CONSTRAINT gilbench_series_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.gilbench_studies
    ADD CONSTRAINT gilbench_studies_digest_key UNIQUE (digest);
ALTER TABLE ONLY public.gilbench_studies
    ADD CONSTRAINT gilbench_studies_pkey PRIMARY KEY (id);
CREATE INDEX ix_gilbench_studies_moment ON public.gilbench_studies USING btree (moment);
ALTER TABLE ONLY public.gilbench_points
    ADD CONSTRAINT gilbench_points_series_fkey FOREIGN KEY (series) REFERENCES public.gilbench_series(id);
ALTER TABLE ONLY public.gilbench_points
    ADD CONSTRAINT gilbench_points_study_fkey FOREIGN KEY (study) REFERENCES public.gilbench_studies(id);

/* SPDX-License-Identifier: MIT */
/* ABC fields, voices, parts and files; limits; and the tunes of other programs. */
#include "tests/parity/symbolic_abc.h"
#include "tests/unit/abc.h"

/* The one tune of a whole file; lent until the next call. */
static const mg_score *file(const char *text)
{
    static abc_tunes tunes;
    if (abc_read_text(text, &tunes) || tunes.n < 1 || !tunes.score[0]) abort();
    return tunes.score[0];
}

/* ---- fields ---- */

static void keys(void)
{
    static const struct { const char *field, *scale; int fifths; bool is_minor; } cases[] = {
        {"C", "CDEFGAB", 0, false},          {"Am", "CDEFGAB", 0, true},        {"D", "^CDE^FGAB", 2, false},
        {"F#m", "^CDE^F^GAB", 3, true},      {"Bb", "CD^DFGA^A", -2, false},    {"Eb minor", "?^C^DF^F^G^A", -6, true},
        {"C Dorian", "CD^DFGA^A", -2, false}, {"Gmix", "CDEFGAB", 0, false},    {"A MIXOLYDIAN", "^CDE^FGAB", 2, false},
        {"Ephr", "CDEFGAB", 0, false},       {"F lyd", "CDEFGAB", 0, false},    {"B Locrian", "CDEFGAB", 0, false},
        {"C Locrian", "C^C^DF^F^G^A", -5, false}, {"G ionian", "CDE^FGAB", 1, false}, {"A aeolian", "CDEFGAB", 0, true},
        {"C#", "^C^DF^F^G^Ac", 7, false},    {"none", "CDEFGAB", 0, false},     {"", "CDEFGAB", 0, false},
        {"HP", "^CDE^FGAB", 2, false},       {"Hp", "^CDE^FGAB", 2, false},     {"D =c", "CDE^FGAB", 1, false},
        {"D Phr ^f", "CD^D^FGA^A", -2, false}, {"D exp _b_e^f", "CD^D^FGA^A", 0, false},
        {"G clef=bass", "CDE^FGAB", 1, false}, {"clef=alto", "CDEFGAB", 0, false},
        {"A minor treble", "CDEFGAB", 0, true}, {"G % comment", "CDE^FGAB", 1, false}, {"d", "^CDE^FGAB", 2, false},
        {"B\xe2\x99\xad", "CD^DFGA^A", -2, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "X:1\nM:none\nK:%s\nCDEFGAB\n", cases[i].field);
        const mg_score *s = file(text);
        if (strcmp(abc_letters(s), cases[i].scale) != 0) printf("# K:%s\n", cases[i].field);
        CHECK_TEXT(abc_letters(s), cases[i].scale);
        REQUIRE(s->n_keys == 1);
        CHECK_INT(s->keys[0].fifths, cases[i].fifths);
        CHECK_INT(s->keys[0].is_minor, cases[i].is_minor);
        CHECK_TEXT(abc_repairs(s), "");
    }
    CHECK_TEXT(abc_repairs(file("X:1\nK:Q\nC")), "abc-bad-field:2");
}

static void transposition(void)
{
    static const struct { const char *field; int pitch; } cases[] = {
        {"K:C transpose=-2", 58}, {"K:C t=3", 63}, {"K:C octave=1", 72}, {"K:C treble-8", 48}, {"K:clef=treble+8", 72},
        {"K:C bass", 60}, {"K:C clef=bass-8 octave=2", 72}, {"K:C middle=d", 60}, {"%%MIDI transpose -12\nK:C", 48},
        {"V:1 clef=treble-8\nK:C", 48}, {"V:1 octave=-1\nK:C treble+8", 60}, {"K:C +15", 60}, {"K:C treble+15", 84},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "X:1\n%s\nC\n", cases[i].field);
        CHECK_INT(file(text)->notes[0].pitch, cases[i].pitch);
    }
}

static void meters(void)
{
    static const struct { const char *field; int numerator, denominator; } cases[] = {
        {"4/4", 4, 4}, {"C", 4, 4}, {"C|", 2, 2}, {"6/8", 6, 8}, {"2+3/8", 5, 8}, {"(2+3+2)/8", 7, 8},
        {"2/4+3/8", 7, 8},        {" 3 / 4 ", 3, 4}, {"none", 0, 0}, {"", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        snprintf(text, sizeof text, "X:1\nM:%s\nK:C\nC\n", cases[i].field);
        const mg_score *s = file(text);
        CHECK_INT(s->n_meters, cases[i].numerator > 0);
        if (!s->n_meters) continue;
        CHECK_INT(s->meters[0].numerator, cases[i].numerator);
        CHECK_INT(s->meters[0].denominator, cases[i].denominator);
    }
    CHECK_TEXT(abc_repairs(file("X:1\nM:9\nK:C\nC")), "abc-bad-field:2");
    CHECK_TEXT(abc_repairs(file("X:1\nM:3/7\nK:C\nC")), "bad-meter:3"); /* MIDI cannot say it */
    CHECK_TEXT(abc_repairs(file("X:1\nM:256/4\nK:C\nC")), "bad-meter:3");
}

static void tempi(void)
{
    static const struct { const char *field; double bpm; } cases[] = {
        {"1/4=120", 120}, {"3/8=50", 75}, {"1/2=60", 120}, {"\"Slow\" 1/4=40", 40}, {"1/4=90 \"x=1\"", 90},
        {"1/4 3/8 1/4 3/8=40", 200}, {"C=100", 50}, {"C3=40", 60}, {"120", 60}, {"1/4=c.100", 100},
        {"1/4=112.5", 112.5},        {"\"Andante\"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[80];
        snprintf(text, sizeof text, "X:1\nQ:%s\nL:1/8\nK:C\nC\n", cases[i].field);
        const mg_score *s = file(text);
        REQUIRE(s->n_tempos == (cases[i].bpm > 0));
        if (s->n_tempos) CHECK_NEAR(60e6 / s->tempos[0].us_per_quarter, cases[i].bpm, 1e-5);
        CHECK_TEXT(abc_repairs(s), "");
    }
    CHECK_TEXT(abc_texts(file("X:1\nQ:\"Slow\" 1/4=40\nK:C\nC"), MG_TEXT_GENERAL), "Slow@0");
    CHECK_TEXT(abc_repairs(file("X:1\nQ:1/4=0\nK:C\nC")), "abc-bad-field:3"); /* known when K: has been read */
}

static void inline_fields(void)
{
    CHECK_TEXT(abc_letters(abc_tune("F[K:G]F[r:a remark][N:note]F|\nK:D\nCF\n")), "F^F^F^C^F");
    CHECK_TEXT(abc_lengths(abc_tune("A[L:1/8]A\nL:1/16\nA")), "1 1/2 1/4");
    CHECK_TEXT(abc_letters(abc_tune("C:|\nA:|\nd::e:|")), "CCAAddee"); /* notes before repeat signs are no fields */
    CHECK_TEXT(abc_repairs(abc_tune("[K:A")), "abc-unknown-symbol:6x3"); /* it has no end */
    const mg_score *s = abc_tune("%%MIDI program 40\nA\nI:MIDI program 41\nB\n%%MIDI channel 3\n");
    REQUIRE(s->n_programs == 2);
    CHECK(s->programs[0].program == 40 && s->programs[1].program == 41 && s->programs[1].tick == 480);
    CHECK_INT(s->notes[0].channel, 2);
}

/* ---- parts and voices ---- */

static void parts(void)
{
    static const struct { const char *order, *letters; } cases[] = {
        {"AB", "AB"}, {"A2B", "AAB"}, {"(AB)2", "ABAB"}, {"((AB)2.C)2", "ABABCABABC"}, {"CBA", "CBA"}, {"A0B", "B"},
        {"A.B.C", "ABC"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "X:1\nM:none\nP:%s\nK:C\nP:A\nA|[P:B]B|\nP:C\nC|\n", cases[i].order);
        CHECK_TEXT(abc_letters(file(text)), cases[i].letters);
    }
    /* what stands before the first part is played once */
    CHECK_TEXT(abc_letters(file("X:1\nM:none\nP:ABA\nK:C\nG|\nP:A\nA:|\nP:B\nB|")), "GAABAA");
    CHECK_TEXT(abc_letters(file("X:1\nM:none\nP:A3\nK:C\nP:A\nA|[1B:|[2C:|[3D|]")), "ABACAD"); /* an ending a play */
    CHECK_TEXT(abc_letters(file("X:1\nM:none\nP:A2\nK:C\nP:A\nA|[1B||[2C||")), "ABAC");
    CHECK_TEXT(abc_letters(file("X:1\nM:none\nP:A2\nK:C\nP:A\nA|[1B:|[2C||")), "ABACABAC");
    CHECK_TEXT(abc_letters(file("X:1\nM:none\nK:C\nP:A\nA|\nP:B\nB:|")), "ABAB"); /* marks without an order */
    CHECK_TEXT(abc_letters(file("X:1\nM:none\nP:XY\nK:C\nP:A\nA|")), "A");
    CHECK_TEXT(abc_repairs(file("X:1\nM:none\nP:AX\nK:C\nP:A\nA|\nP:B\nB|")), "abc-unknown-part:3 abc-unused-part:8");
}

static void voices(void)
{
    const mg_score *s = file("X:1\nL:1/4\nM:4/4\nV:T name=\"Tenor I\" clef=treble-8\nV:B octave=-2\nK:G\n"
                             "[V:T]B4|d4|\n[V:B]G4|\n[V:T]g4|\nV:B\nF4|\nV:T\na4|\n");
    REQUIRE(s->n_tracks == 2);
    CHECK_TEXT(s->tracks[0].name, "Tenor I");
    CHECK_TEXT(s->tracks[1].name, "B");
    CHECK_TEXT(abc_notes(s), "59:4@0 62:4@4 67:4@8 69:4@12 43:4@0 42:4@4");
    CHECK(s->notes[0].channel == 0 && s->notes[4].channel == 1 && s->notes[4].track == 1);
    CHECK(s->tracks[1].first_note == 4 && s->tracks[1].n_notes == 2 && s->tracks[1].end_tick == 8 * 480);
    CHECK_INT(s->n_keys, 1); /* said by both, listed once */

    s = abc_tune("AB\nV:2\nC\nV:1\nc");
    CHECK_INT(s->n_tracks, 2); /* music before any V: is V:1 */
    CHECK_TEXT(abc_notes(s), "69:1@0 71:1@1 72:1@2 60:1@0");
    s = abc_tune("V:1\n^F A\nV:2\nF [K:D]F\nV:1\nF");
    CHECK_TEXT(abc_letters(s), "^FA^FF^F"); /* accidentals and K: are a voice's own */

    char text[512] = "X:1\nK:C\n";
    for (int v = 1; v <= 12; v++) snprintf(text + strlen(text), 20, "V:%d\nC\n", v);
    s = file(text);
    CHECK(s->notes[8].channel == 8 && s->notes[9].channel == 10 && s->notes[11].channel == 12); /* 9 is drums */
}

/* Each play of a part lasts as long as its longest voice. */
static void voices_in_parts(void)
{
    const char *text = "X:1\nM:none\nL:1/4\nP:ABA\nK:C\nP:A\nV:1\nA2|\nV:2\nC|\nP:B\nV:1\nB|\nV:2\nD3|\n";
    CHECK_TEXT(abc_notes(file(text)), "69:2@0 71:1@2 69:2@5 60:1@0 62:3@2 60:1@5");
}

/* ---- files ---- */

static void several_tunes(void)
{
    abc_tunes tunes = {0};
    const char *book = "%abc-2.1\nL:1/4\nO:Ireland % all\nU:n=!ff!\n\nFree text: Keep out.\n\n"
                       "X:1\nT:One\nK:C\nnC\n\nmore text | with bars\n\n"
                       "X:7\nT:Two\nT:Zwei\nO:Wales\nL:1/8\nK:C\nD\nX:3\nT:Three\nK:C\nE\n";
    CHECK_INT(abc_read_text(book, &tunes), MG_OK);
    REQUIRE(tunes.n == 3);
    CHECK_TEXT(tunes.score[0]->title, "One");
    CHECK_TEXT(tunes.score[0]->origin, "Ireland");
    CHECK_TEXT(tunes.score[1]->title, "Two");
    CHECK_TEXT(tunes.score[1]->origin, "Wales");
    CHECK_TEXT(tunes.score[2]->origin, "Ireland");
    CHECK_TEXT(abc_notes(tunes.score[0]), "60:1@0");
    CHECK_TEXT(abc_notes(tunes.score[1]), "62:1/2@0");
    CHECK_TEXT(abc_notes(tunes.score[2]), "64:1@0");
    CHECK_INT(tunes.score[0]->notes[0].velocity, 120);
    CHECK_TEXT(abc_texts(tunes.score[1], MG_TEXT_GENERAL), "T:Two@0 T:Zwei@0");
    for (int i = 0; i < 3; i++) CHECK_INT(tunes.score[i]->n_repairs, 0);
    abc_tunes_free(&tunes);
}

static void odd_files(void)
{
    static const struct { const char *text, *letters, *repairs; } cases[] = {
        {"X:1\r\nT:t\r\nM:none\r\nK:C\r\nCD\r\nEF\r\n", "CDEF", ""},
        {"X:1\rT:t\rM:none\rK:C\rCD\rEF", "CDEF", ""},
        {"\xef\xbb\xbfX:1\nM:none\nK:C\nCDEF", "CDEF", ""},
        {"M:none\nK:C\nCD\n", "CD", "abc-no-number:1"},
        {"X:1\nM:none\nCD|EF\n", "CDEF", "abc-no-key:3"},
        {"X:1\nT:t\n\nM:none\nK:C\nCD\n", "CD", "abc-blank-line:4"},
        {"X:1\nM:none\nK:C\nCD|\n\nEF|\n", "CDEF", "abc-blank-line:6"},
        {"X:1\nM:none\nK:C\nCD|\n\nEasy to play. ABC\n", "CD", ""},
        {"X:1\nM:none\nK:C\nCD % ef\n% comment\nE\\% \n", "CDE", "abc-unknown-symbol:6"},
        {"X:1\nH:once\nupon a time\nM:none\nK:C\nCD\n", "CD", ""},
        {"X:1\nT:t\nupon a time\nM:none\nK:C\nCD\n", "CD", "abc-stray-text:3"},
        {"X:1\nM:none\nK:C\n%%begintext\nX:2\n%%endtext\nCD\n", "CD", ""},
        {"X:1\nM:none\nT:a\n+:b\nK:C\nC \\\nD\n", "CD", ""},
        {"X:1\nK:C\n", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mg_score *s = file(cases[i].text);
        CHECK_TEXT(abc_letters(s), cases[i].letters);
        CHECK_TEXT(abc_repairs(s), cases[i].repairs);
    }
    CHECK_TEXT(file("X:1\nT:a\n+:b\nK:C\n")->title, "a b");
    abc_tunes none = {0};
    CHECK_INT(abc_read_text("", &none), MG_BAD_DATA);
    CHECK_INT(abc_read_text("plain text\n\n| with | bars |\n", &none), MG_BAD_DATA);
    CHECK(mg_abc_is("text\nX:1\n", 9) && mg_abc_is("K:C\n", 4));
    CHECK(!mg_abc_is("MThd\0\0X:1\n", 10) && !mg_abc_is("plain", 5) && !mg_abc_is("", 0));
}

static void text_strings(void)
{
    static const struct { const char *in, *out; } cases[] = {
        {"Caf\\'e \\`a la \\\"u \\~n \\^e \\cc \\/o \\aa \\ss \\vs \\HO", "Café à la ü ñ ê ç ø å ß š Ő"},
        {"&eacute;&Auml;&szlig;&amp;&lt;&#233;&#x151; &unknown; A&B", "éÄß&<éő &unknown; A&B"},
        {"\\u00e9\\u266f\\U0001D11E", "é♯𝄞"},
        {"100\\% \\& \\q", "100% & \\q"},
        {"d\xe9j\xe0 vu", "déjà vu"}, /* Latin-1 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "X:1\nT:  %s \nK:C\n", cases[i].in);
        CHECK_TEXT(file(text)->title, cases[i].out);
    }
    CHECK_TEXT(abc_repairs(file("X:1\nT:\xe9t\xe9\nK:C\n")), "text-encoding:2");
}

/* ---- limits ---- */

static mg_status read_with(const char *text, mg_read_options options, abc_tunes *tunes)
{
    abc_tunes_free(tunes);
    return mg_abc_read(text, strlen(text), &options, abc_keep_tune, tunes, NULL);
}

static void limits(void)
{
    abc_tunes tunes = {0};
    mg_read_options options = mg_read_defaults();
    const char *parts_text = "X:1\nM:none\nP:((AB)99)99\nK:C\nP:A\nABcd|\nP:B\ncBA|\n\nX:2\nK:C\nC\n";
    options.max_events = 5000;
    CHECK_INT(read_with(parts_text, options, &tunes), MG_OK);
    REQUIRE(tunes.n == 2);
    CHECK(!tunes.score[0] && tunes.trouble[0].status == MG_TOO_LARGE && tunes.trouble[0].where[0]);
    CHECK(tunes.score[1] != NULL); /* the book goes on */
    options = mg_read_defaults();
    CHECK_INT(read_with(parts_text, options, &tunes), MG_OK);
    REQUIRE(tunes.score[0] != NULL);
    CHECK_INT(tunes.score[0]->n_notes, 99 * 99 * 7);
    CHECK_INT(read_with("X:1\nP:(((((A)99)99)99)99)99\nK:C\nP:A\nC|\n", options, &tunes), MG_OK);
    CHECK_INT(tunes.trouble[0].status, MG_TOO_LARGE);
    options.max_hours = 0.001; /* 3.6 s */
    CHECK_INT(read_with("X:1\nL:1/4\nQ:1/4=60\nK:C\nA3\n", options, &tunes), MG_OK);
    CHECK(tunes.score[0] != NULL);
    CHECK_INT(read_with("X:1\nL:1/4\nQ:1/4=60\nK:C\nA4\n", options, &tunes), MG_OK);
    CHECK_INT(tunes.trouble[0].status, MG_TOO_LARGE);
    options = mg_read_defaults();
    options.max_bytes = 10;
    CHECK_INT(read_with("X:1\nK:C\nCDEF\n", options, &tunes), MG_TOO_LARGE);
    char voices_text[1024] = "X:1\nK:C\n";
    for (int v = 1; v <= 65; v++) snprintf(voices_text + strlen(voices_text), 20, "V:%d\nC\n", v);
    CHECK_INT(read_with(voices_text, mg_read_defaults(), &tunes), MG_OK);
    CHECK_INT(tunes.trouble[0].status, MG_TOO_LARGE);
    abc_tunes_free(&tunes);
}

static void strict(void)
{
    abc_tunes tunes = {0};
    mg_read_options options = mg_read_defaults();
    options.is_strict = true;
    CHECK_INT(read_with("X:1\nL:1/4\nM:4/4\nK:C\nCDEF|\nCDE|C\n\nX:2\nK:C\nC\n", options, &tunes), MG_OK);
    REQUIRE(tunes.n == 2);
    CHECK_INT(tunes.trouble[0].status, MG_BAD_DATA);
    CHECK_TEXT(tunes.trouble[0].where, "line 6");
    CHECK(tunes.score[1] != NULL);
    abc_tunes_free(&tunes);
}

static mg_status stop_at_once(void *user, int number, mg_score *score, const mg_error *trouble)
{
    (void)number, (void)trouble;
    ++*(int *)user;
    mg_score_free(score);
    return MG_STOPPED;
}

static void stopping(void)
{
    mg_read_options options = mg_read_defaults();
    int n = 0;
    const char *text = "X:1\nK:C\nC\n\nX:2\nK:C\nC\n";
    CHECK_INT(mg_abc_read(text, strlen(text), &options, stop_at_once, &n, NULL), MG_STOPPED);
    CHECK_INT(n, 1);
}

static mg_status read_all(const char *text)
{
    abc_tunes tunes = {0};
    mg_status status = abc_read_text(text, &tunes);
    abc_tunes_free(&tunes);
    return status;
}

static void allocations(void)
{
    const char *text = "L:1/8\n\nX:1\nT:One\n+:two\nC:me\nP:AB2\nQ:\"x\" 1/4=90\nV:1 name=\"N\"\nV:2\nK:G\n"
                       "P:A\n[V:1]\"Am\"A-A|1B:|2[Bd]c||\nw:a b c\n"
                       "[V:2]D & F|!x\nP:B\n[V:1]E|[K:D]\"^t\"F:|[V:2]G2||\n%%MIDI program 3\n\nX:2\nK:C\nC\n";
    CHECK_FAILING_ALLOCATIONS(read_all(text));
}

/* ---- other programs' readings ---- */

static void fixtures(void)
{
    mg_file lines;
    if (mg_file_read("../shared/fixtures/symbolic/abc.jsonl", 0, &lines, NULL)) SKIP("../shared/fixtures is not there");
    int n_agreed = 0;
    for (const char *at = (const char *)lines.data, *end = at + lines.size, *stop; at < end; at = stop + 1) {
        stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        mg_json *line;
        REQUIRE(mg_json_parse(at, (size_t)(stop - at), &line, NULL) == MG_OK);
        bool is_agreed = false;
        mg_json_bool(mg_json_get(line, "agree"), &is_agreed);
        char what[200];
        double worst = is_agreed ? parity_abc(line, "../shared", what) : 0;
        if (worst > PARITY_ABC_TOLERANCE)
            printf("# %s %d: %s\n", mg_json_get_string(line, "path", ""), (int)mg_json_get_int(line, "index", 0), what);
        CHECK(worst <= PARITY_ABC_TOLERANCE);
        n_agreed += is_agreed;
        mg_json_free(line);
    }
    CHECK(n_agreed > 0);
    mg_file_free(&lines);
}

int main(void)
{
    TEST("keys, modes and accidentals of K:", keys);
    TEST("clefs, octaves and transposition change what sounds", transposition);
    TEST("meters in all forms", meters);
    TEST("tempi in all forms", tempi);
    TEST("fields and directives in the music", inline_fields);
    TEST("P: gives the order of parts", parts);
    TEST("each voice is a track", voices);
    TEST("voices keep together from part to part", voices_in_parts);
    TEST("a book's header holds for all its tunes", several_tunes);
    TEST("line ends, missing fields, blank lines and text in odd places", odd_files);
    TEST("text strings come out as UTF-8", text_strings);
    TEST("repeats and parts cannot grow past the limits", limits);
    TEST("strict reading refuses at the first repair", strict);
    TEST("the visitor can stop the walk", stopping);
    TEST("every failing allocation is answered", allocations);
    TEST("the tunes that abc2midi and music21 agree on", fixtures);
    return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* ABC music code, one sign after the other; what must come out is worked by hand from the standard. Unless a test says
   otherwise a letter is a quarter note in 4/4. */
#include "tests/unit/abc.h"

static void octaves(void)
{
    CHECK_TEXT(abc_notes(abc_tune("C,,C,Cc|c'c''C',c,|")),
               "36:1@0 48:1@1 60:1@2 72:1@3 84:1@4 96:1@5 60:1@6 60:1@7");
    CHECK_TEXT(abc_letters(abc_tune("CDEF GABc defg ab")), "CDEFGABcdefgab");
}

static void accidentals(void)
{
    CHECK_TEXT(abc_letters(abc_tune("^F _B =F ^^C|__d F")), "^F^AFDcF");
    CHECK_TEXT(abc_letters(abc_tune("^F F f G|F f")), "^F^F^fGFf"); /* in all octaves, to the bar line */
    CHECK_TEXT(abc_letters(abc_tune("[K:D] F =F F C|F")), "^FFF^C^F");
    CHECK_TEXT(abc_letters(abc_tune("%%propagate-accidentals octave\n^F F f|F")), "^F^FfF");
    CHECK_TEXT(abc_letters(abc_tune("%%propagate-accidentals not\n^F F f|F")), "^FFfF");
    CHECK_TEXT(abc_letters(abc_tune("I:propagate-accidentals octave\n^F F f|F")), "^F^FfF");
}

static void lengths(void)
{
    CHECK_TEXT(abc_lengths(abc_tune("A A2 A3/2 A/2 A/ A// A/4 A3/4 A/3")), "1 2 3/2 1/2 1/2 1/4 1/4 3/4 1/3");
    CHECK_TEXT(abc_lengths(abc_tune("[L:1/8]A A2 [L:1/16]A [L:1]A [L:3/8]A")), "1/2 1 1/4 4 3/2");
}

static void default_lengths(void)
{
    static const struct { const char *meter, *length; } cases[] = {
        {"M:4/4\n", "1/2"}, {"M:C\n", "1/2"},     {"M:C|\n", "1/2"},     {"M:3/4\n", "1/2"}, {"M:6/8\n", "1/2"},
        {"M:2/4\n", "1/4"}, {"M:5/8\n", "1/4"},   {"M:3/8\n", "1/4"},    {"M:none\n", "1/2"}, {"", "1/2"},
        {"M:2+3/8\n", "1/4"}, {"M:(2+2+3)/8\n", "1/2"}, {"M:2/4\nL:1/8\n", "1/2"},
    };
    abc_tunes tunes = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "X:1\n%sK:C\nA\n", cases[i].meter);
        CHECK_INT(abc_read_text(text, &tunes), MG_OK);
        CHECK_TEXT(abc_lengths(tunes.score[0]), cases[i].length);
    }
    /* A change of meter in the tune leaves the length alone. */
    CHECK_TEXT(abc_lengths(abc_tune("A [M:2/4]A")), "1 1");
    abc_tunes_free(&tunes);
}

static void broken_rhythm(void)
{
    CHECK_TEXT(abc_lengths(abc_tune("A>A A<A A>>A A<<<A A2>A2")), "3/2 1/2 1/2 3/2 7/4 1/4 1/8 15/8 3 1");
    CHECK_TEXT(abc_lengths(abc_tune("A > A A{g}<A A<{g}A A>|A")), "3/2 1/2 1/2 3/2 1/2 3/2 3/2 1/2");
    CHECK_TEXT(abc_notes(abc_tune("[CE]>[DF] z<A")), "60:3/2@0 64:3/2@0 62:1/2@3/2 65:1/2@3/2 69:3/2@5/2");
    CHECK_TEXT(abc_repairs(abc_tune("[M:none]A2>B")), "abc-uneven-rhythm:6");
    CHECK_TEXT(abc_repairs(abc_tune(">A")), "abc-unknown-symbol:6");
}

static void tuplets(void)
{
    CHECK_TEXT(abc_lengths(abc_tune("(2AB(3ABc(4ABcdA")), "3/2 3/2 2/3 2/3 2/3 3/4 3/4 3/4 3/4 1");
    CHECK_TEXT(abc_lengths(abc_tune("(6ABcdef (8ABcdefga")), "1/3 1/3 1/3 1/3 1/3 1/3 3/8 3/8 3/8 3/8 3/8 3/8 3/8 3/8");
    CHECK_TEXT(abc_lengths(abc_tune("(5ABcde(7ABcdefg")), "2/5 2/5 2/5 2/5 2/5 2/7 2/7 2/7 2/7 2/7 2/7 2/7");
    CHECK_TEXT(abc_lengths(abc_tune("[M:6/8](5ABcde(9ABcdefgab")),
               "3/5 3/5 3/5 3/5 3/5 1/3 1/3 1/3 1/3 1/3 1/3 1/3 1/3 1/3");
    CHECK_TEXT(abc_lengths(abc_tune("(3:2:4 A/B/cd e")), "1/3 1/3 2/3 2/3 1");
    CHECK_TEXT(abc_lengths(abc_tune("(3::2 AB c (3: AB c d (3:: ABc d (5:4 ABcde f")),
               "2/3 2/3 1 2/3 2/3 2/3 1 2/3 2/3 2/3 1 4/5 4/5 4/5 4/5 4/5 1");
    CHECK_TEXT(abc_notes(abc_tune("(3A z [ce] f")), "69:2/3@0 72:2/3@4/3 76:2/3@4/3 77:1@2");
    CHECK_INT(abc_tune("(7ABcdefg")->ticks_per_quarter, 3360); /* the least multiple of 480 that is exact */
    CHECK_INT(abc_tune("(3ABc")->ticks_per_quarter, 480);
    CHECK_INT(abc_tune("A/11")->ticks_per_quarter, 5280);
    CHECK_INT(abc_tune("A/11 A/13")->ticks_per_quarter, 480); /* beyond what MIDI can say: rounded */
    CHECK_TEXT(abc_repairs(abc_tune("[M:none](0ABc (3:0 ABc")), "abc-unknown-symbol:6x2");
}

static void ties(void)
{
    CHECK_TEXT(abc_notes(abc_tune("A-A B2|B-|B- B")), "69:2@0 71:2@2 71:3@4");
    CHECK_TEXT(abc_notes(abc_tune("^f2-f2-|f2 f2")), "78:6@0 77:2@6"); /* the accidental goes with the tie only */
    CHECK_TEXT(abc_notes(abc_tune("[CE]-[CE] [C-E][CE]")), "60:2@0 64:2@0 60:2@2 64:1@2 64:1@3");
    CHECK_TEXT(abc_notes(abc_tune("|:A-|1A B:|2A c|]")), "69:2@0 71:1@2 69:2@3 72:1@5"); /* in the order of play */
    CHECK_TEXT(abc_notes(abc_tune("A -A A.-A")), "69:2@0 69:2@2");
    CHECK_TEXT(abc_notes(abc_tune("(A B) (c (d) e)")), "69:1@0 71:1@1 72:1@2 74:1@3 76:1@4"); /* slurs do nothing */
    CHECK_TEXT(abc_repairs(abc_tune("A-B c2|A-")), "abc-open-tie:6x2");
    CHECK_TEXT(abc_repairs(abc_tune("z-A")), "abc-unknown-symbol:6");
}

static void grace_notes(void)
{
    CHECK_TEXT(abc_notes(abc_tune("{g}A{/gag}B {c2d>e}c")), "69:1@0 71:1@1 72:1@2");
    CHECK_TEXT(abc_letters(abc_tune("{^c}dc|c")), "d^cc"); /* their accidentals hold like any other */
    CHECK_TEXT(abc_repairs(abc_tune("{ga")), "abc-unknown-symbol:6");
}

static void chords(void)
{
    CHECK_TEXT(abc_notes(abc_tune("[CEG]2[C2E2]/[CE2]G")), "60:2@0 64:2@0 67:2@0 60:1@2 64:1@2 60:1@3 64:1@3 67:1@4");
    CHECK_TEXT(abc_notes(abc_tune("[C2E2G2]3/2 [DD]")), "60:3@0 64:3@0 67:3@0 62:1@3 62:1@3");
    CHECK_TEXT(abc_letters(abc_tune("[C^F]F|[.CuE!fermata!G]")), "C^F^FCEG");
    CHECK_TEXT(abc_letters(abc_tune("+CEG+ c")), "CEGc"); /* as the first files wrote it */
    CHECK_TEXT(abc_texts(abc_tune("A[\"Am\"CE]"), MG_TEXT_CHORD), "Am@1");
    CHECK_TEXT(abc_texts(abc_tune("U:W=\"Am\"\nA[CWE]"), MG_TEXT_GENERAL), "T:t@0 Am@1");
    CHECK_TEXT(abc_repairs(abc_tune("[CE|c")), "abc-unknown-symbol:6");
    CHECK_TEXT(abc_letters(abc_tune("[CE|c")), "CEc");
}

static void rests(void)
{
    CHECK_TEXT(abc_notes(abc_tune("Az Bx2 c y d y3 e")), "69:1@0 71:1@2 72:1@5 74:1@6 76:1@7");
    CHECK_TEXT(abc_notes(abc_tune("Z|A4|X3|B4|[M:3/4]Z2|c")), "69:4@4 71:4@20 72:1@30");
    CHECK_INT(abc_tune("A4|Z2|")->end_tick, 12 * 480);
}

static void overlays(void)
{
    CHECK_TEXT(abc_notes(abc_tune("CDEF & A,2B,2|c")), "60:1@0 57:2@0 62:1@1 64:1@2 59:2@2 65:1@3 72:1@4");
    CHECK_TEXT(abc_notes(abc_tune("C4 & E2 & G|c")), "60:4@0 64:2@0 67:1@0 72:1@4"); /* the longest layer counts */
    CHECK_TEXT(abc_notes(abc_tune("g4|e4 && d2c2|B4|a")), "79:4@0 74:2@0 72:2@2 76:4@4 71:4@4 81:1@8");
    CHECK_INT(abc_tune("C4 & D")->end_tick, 4 * 480);
}

static void repeats(void)
{
    static const struct { const char *body, *letters; } cases[] = {
        {"|:A:|B", "AAB"},
        {"A:|B", "AAB"},
        {"A:|B:|C", "AABBC"},
        {"A|:B:|C", "ABBC"},
        {"A||B:|C", "ABABC"}, /* a double bar is no start */
        {"A::B:|", "AABB"},
        {"A:|:B:|", "AABB"},
        {"A:||:B:|", "AABB"},
        {"[|:A:|]B", "AAB"},
        {"|::A::|B", "AAAB"},
        {"A|::|B:|", "AABB"},
        {"|:A|1B:|2C|]D", "ABACD"},
        {"|:A|[1B:|[2C||D", "ABACD"},
        {"A|1 B:|2 C", "ABAC"},
        {"|:A|1B:|2C:|3D||E", "ABACADE"},
        {"|:A|[1,3B:|[2,4C||D", "ABACABACD"},
        {"|:A|[1-3B:|[4C||D", "ABABABACD"},
        {"|:A|[1,3B:|[2C||D", "ABACABD"},
        {"|:A|1B:|2C:|D", "ABACD"}, /* the sign behind the last ending is for the eye */
        {"|:A:|2B|]C", "AABC"},
        {"|:A|1B:|C", "ABAC"},
        {"|:A|1B:|2C||D|1E:|2F|]", "ABACDEDF"},
        {"|:A|1B:|2C|:D:|", "ABACDD"},
        {"|:A|1B:|2C|D|1E:|2F|]", "ABACDEDF"}, /* the second ending as long as the first */
        {"|:A|1B|2C|]", "ABAC"},
        {"A|[1B|]", "AB"},
        {"|:A|:B:|", "ABB"}, /* no end sign: once */
        {"|:A|B", "AB"},
        {"|:A| 1 B:| 2 C|]", "ABAC"},
        {"|:A|[\"first\"B:|[\"last\"C|]", "ABAC"},
        {"A.|B:|C", "ABABC"},
        {"A[|]B:|", "ABAB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[80];
        snprintf(body, sizeof body, "[M:none]%s", cases[i].body);
        if (strcmp(abc_letters(abc_tune(body)), cases[i].letters) != 0) printf("# %s\n", cases[i].body);
        CHECK_TEXT(abc_letters(abc_tune(body)), cases[i].letters);
    }
}

static void repeats_repaired(void)
{
    CHECK_TEXT(abc_repairs(abc_tune("[M:none]|:A|\n|:B:|")), "abc-unclosed-repeat:6");
    CHECK_TEXT(abc_repairs(abc_tune("[M:none]|:A|B")), "abc-unclosed-repeat:6");
    CHECK_TEXT(abc_repairs(abc_tune("[M:none]|:A|1B|2C|]")), "abc-odd-ending:6");
    CHECK_TEXT(abc_repairs(abc_tune("[M:none]|:A|1B:|2C|D|1E:|2F|]")), "abc-odd-ending:6");
    CHECK_TEXT(abc_repairs(abc_tune("[M:none]|:A|1B:|2C|]D:|")), "");
    CHECK_TEXT(abc_repairs(abc_tune("A!D.C.!B2A|")), "abc-jump:6");
}

/* Music goes back to where another key, meter and tempo were in force. */
static void repeats_restore(void)
{
    const mg_score *s = abc_tune("[Q:1/4=60]F4|[K:G][M:2/4][Q:1/4=90]F2:|F2|");
    CHECK_TEXT(abc_letters(s), "F^FF^F^F");
    REQUIRE(s->n_keys == 4 && s->n_meters == 4 && s->n_tempos == 4);
    CHECK(s->keys[0].fifths == 0 && s->keys[1].fifths == 1 && s->keys[2].fifths == 0 && s->keys[3].fifths == 1);
    CHECK(s->keys[2].tick == 6 * 480 && s->meters[2].tick == 6 * 480 && s->tempos[2].tick == 6 * 480);
    CHECK(s->meters[1].numerator == 2 && s->meters[2].numerator == 4);
    CHECK(s->tempos[1].us_per_quarter == 666667 && s->tempos[2].us_per_quarter == 1000000);
    s = abc_tune("A4|[Q:1/4=90]B4:|");
    REQUIRE(s->n_tempos == 3);
    CHECK(s->tempos[1].tick == 8 * 480 && s->tempos[1].us_per_quarter == 500000);
}

static void bars(void)
{
    CHECK_TEXT(abc_repairs(abc_tune("A|ABcd|ABcd|ABc|]")), "");        /* upbeat and end */
    CHECK_TEXT(abc_repairs(abc_tune("A|:Bcd A|Bcd:|")), "abc-bar-length:6"); /* the upbeat is missing in the repeat */
    CHECK_TEXT(abc_repairs(abc_tune("|:A|BcdA|Bcd:|:A|BcdA|Bcd:|")), ""); /* it is there */
    CHECK_TEXT(abc_repairs(abc_tune("ABcd|ABc|\nABcd|ABcde|ABcd|ABcd")), "abc-bar-length:6 abc-bar-length:7");
    CHECK_TEXT(abc_repairs(abc_tune("ABcd|AB||cd|ABcd|Z2|[M:3/4]ABc|[M:none]ABcde|")), "");
    CHECK_TEXT(abc_repairs(abc_tune("ABcdABcd")), "abc-bar-length:6");
}

static void words(void)
{
    CHECK_TEXT(abc_texts(abc_tune("ABcd|efga\nw:one two-three * | fi-ve_ six"), MG_TEXT_LYRIC),
               "one@0 two-@1 three@2 fi-@4 ve@5 six@7");
    CHECK_TEXT(abc_texts(abc_tune("AB|cd|ef|g\nw:a b c | d || g"), MG_TEXT_LYRIC), "a@0 b@1 c@2 d@3 g@6");
    CHECK_TEXT(abc_texts(abc_tune("ABcd\nw:of~the~day a\\-b -c"), MG_TEXT_LYRIC), "of the day@0 a-b@1 c@3");
    CHECK_TEXT(abc_texts(abc_tune("AB\nw:a b\ncd\nw:\nef\nw:e f"), MG_TEXT_LYRIC), "a@0 b@1 e@4 f@5");
    CHECK_TEXT(abc_texts(abc_tune("|A|Bc|d\nw:a|b|d"), MG_TEXT_LYRIC), "a@0 b@1 d@3");
    CHECK_TEXT(abc_texts(abc_tune("AzB{g}c\nw:a b c"), MG_TEXT_LYRIC), "a@0 b@2 c@3");
    CHECK_TEXT(abc_texts(abc_tune("|:AB:|\nw:a b\nw:c d"), MG_TEXT_LYRIC), "a@0 b@1 c@2 d@3"); /* a verse a play */
    CHECK_TEXT(abc_texts(abc_tune("|:AB:|\nw:a b"), MG_TEXT_LYRIC), "a@0 b@1 a@2 b@3");
    CHECK_TEXT(abc_texts(abc_tune("ABcd\nw:a b\n+:c d"), MG_TEXT_LYRIC), "a@0 b@1 c@2 d@3");
    CHECK_TEXT(abc_texts(abc_tune("ABcd\nw:a b \\\nw:c d"), MG_TEXT_LYRIC), "a@0 b@1 c@2 d@3");
    CHECK_TEXT(abc_repairs(abc_tune("AB\nw:a b c d")), "abc-extra-words:7x2");
    CHECK_TEXT(abc_texts(abc_tune("ABcd\ns:\"Am\" * !f! \"G7\""), MG_TEXT_CHORD), "Am@0 G7@3");
}

static void texts(void)
{
    const char *body = "\"Am7\"A\"^above\"B\"G(Em)\"c\"D.C.\"d|\"F#m7b5/C#\"A\"@-3,5 at\"B\"Fine\"c\"_low\"\"C\"d";
    CHECK_TEXT(abc_texts(abc_tune(body), MG_TEXT_CHORD), "Am7@0 G(Em)@2 F#m7b5/C#@4 C@7");
    CHECK_TEXT(abc_texts(abc_tune(body), MG_TEXT_GENERAL), "T:t@0 above@1 D.C.@3 at@5 Fine@6 low@7");
    CHECK_TEXT(abc_texts(abc_tune("U:W=\"^wow\"\nWA [U:W=!f!]WB"), MG_TEXT_GENERAL), "T:t@0 wow@0");
    CHECK_TEXT(abc_texts(abc_tune("P:A\nAB\nT:Trio\n[P:B]c"), MG_TEXT_MARKER), "A@0 B@2");
    CHECK_TEXT(abc_texts(abc_tune("AB\nT:Trio\nc"), MG_TEXT_GENERAL), "T:t@0 T:Trio@2");
    CHECK_TEXT(abc_repairs(abc_tune("A \"open")), "abc-unknown-symbol:6x4"); /* of "open" only e is a note */
}

static void decorations(void)
{
    const mg_score *s = abc_tune("A!p!B!trill!c+f+d|~A .B Hc Td|uA vB !<(! c !none!d");
    CHECK_TEXT(abc_letters(s), "ABcdABcdABcd");
    CHECK_TEXT(abc_repairs(s), "");
    CHECK(s->notes[0].velocity == 80 && s->notes[1].velocity == 60 && s->notes[2].velocity == 60);
    CHECK(s->notes[3].velocity == 105 && s->notes[11].velocity == 105);
    CHECK_TEXT(abc_letters(abc_tune("A!B c!\nd|!\n")), "ABcd"); /* ! alone broke lines once */
    CHECK_TEXT(abc_letters(abc_tune("U:n=!ff!\nnA")), "A");
    CHECK_INT(abc_tune("U:n=!ff!\nnA")->notes[0].velocity, 120);
}

static void unknown_symbols(void)
{
    const mg_score *s = abc_tune("A#B 2 c ? d|\nA`B$\\\nc d *\n");
    CHECK_TEXT(abc_letters(s), "ABcdABcd");
    CHECK_TEXT(abc_repairs(s), "abc-unknown-symbol:6x3");
    CHECK_TEXT(abc_repairs(abc_tune("[M:none]C,,,,,,,A g''''''''")), "abc-pitch-range:6");
    CHECK_TEXT(abc_letters(abc_tune("A\xc3\xa9""B")), "AB");
}

int main(void)
{
    TEST("letters, commas and apostrophes give the octave", octaves);
    TEST("accidentals hold to the end of the bar", accidentals);
    TEST("lengths multiply the unit", lengths);
    TEST("the unit comes from the meter where L: is missing", default_lengths);
    TEST("broken rhythm dots one note and cuts the other", broken_rhythm);
    TEST("tuplets have the defaults of the standard and exact times", tuplets);
    TEST("ties join notes of one pitch, slurs do not", ties);
    TEST("grace notes take no time", grace_notes);
    TEST("chords are as long as their first note, times what follows", chords);
    TEST("rests, bars of rest and spacers", rests);
    TEST("overlays go back to the start of a bar", overlays);
    TEST("repeats and endings are played in order", repeats);
    TEST("odd repeats are listed", repeats_repaired);
    TEST("going back restores key, meter and tempo", repeats_restore);
    TEST("bars that do not add up in the order of play are listed", bars);
    TEST("words are aligned with notes", words);
    TEST("chord symbols and annotations are texts", texts);
    TEST("decorations are taken, dynamics set the velocity", decorations);
    TEST("symbols without meaning are skipped and counted", unknown_symbols);
    return tap_end();
}

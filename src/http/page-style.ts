/** What pages are painted on by day, and by night. */
export const DAY = { page: "#f3f4f1", card: "#ffffff" } as const;
export const NIGHT = { page: "#0e1113", card: "#171b1e" } as const;

/** The colours of all pages, by day and by night; a theme has its own for buttons, links and tints. */
export const PAGE_COLORS = `
:root{color-scheme:light dark;
--page:${DAY.page};--card:${DAY.card};--text:#171a1c;--quiet:#565e64;--line:#d5d9d7;--field:#7b858b;
--accent:#0b6658;--soft:#e5f1ee;--button:#0b6658;--button-text:#fff;--button-hover:#08503f;--button-edge:transparent;
--wrong:#a8201a;--wrong-soft:#fdf0ef;--mark:#5c4300;--mark-soft:#fff3d1;--mark-line:#dcb44b}
@media (prefers-color-scheme:dark){:root{
--page:${NIGHT.page};--card:${NIGHT.card};--text:#e9ecec;--quiet:#a3acb0;--line:#2c3337;--field:#6f7b81;
--accent:#57cdb4;--soft:#16302b;--button:#57cdb4;--button-text:#06231d;--button-hover:#7bdcc8;--button-edge:transparent;
--wrong:#ff9a91;--wrong-soft:#34191a;--mark:#f4d58a;--mark-soft:#2c2410;--mark-line:#7a5f1e}}`;

/** The one stylesheet of the login's pages. The content security policy names its hash, so it is written out exactly so. */
export const PAGE_STYLE = `${PAGE_COLORS}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;
justify-content:center;gap:1.25rem;padding:1.5rem 1rem;background:var(--page);color:var(--text);
font:400 1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{width:100%;max-width:26rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;
padding:2.25rem 2.25rem 2rem;box-shadow:0 1px 2px rgb(0 0 0/.05),0 12px 32px -12px rgb(0 0 0/.14)}
.app{display:flex;align-items:center;gap:.75rem;margin:0 0 1.75rem;min-width:0}
.app b{flex:none;display:grid;place-items:center;width:2.75rem;height:2.75rem;border-radius:.75rem;
background:var(--soft);color:var(--accent);font-size:1.25rem;font-weight:650}
.sign{display:grid;place-items:center;width:2.75rem;height:2.75rem;margin:0 0 1.25rem;border-radius:50%;
background:var(--mark-soft);color:var(--mark);font-size:1.375rem;font-weight:700;line-height:1}
.sign.good{background:var(--soft);color:var(--accent)}
.app.branded{display:block}
.app.branded span{display:block;margin:.75rem 0 0}
.logo{display:block;max-width:min(100%,14rem);max-height:3.5rem}
@media (prefers-color-scheme:dark){.on-light{padding:.375rem .625rem;border-radius:.5rem;background:${DAY.card}}}
@media (prefers-color-scheme:light){.on-dark{padding:.375rem .625rem;border-radius:.5rem;background:${NIGHT.card}}}
.app span{min-width:0;line-height:1.3;overflow-wrap:anywhere;color:var(--text);font-weight:600}
.app small{display:block;color:var(--quiet);font-size:.875rem;font-weight:400}
h1,button,.app span{hyphens:auto;hyphenate-limit-chars:18 8 8}
h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25;font-weight:680;letter-spacing:-.015em;overflow-wrap:anywhere}
p{margin:0 0 1rem;color:var(--quiet);overflow-wrap:anywhere;text-wrap:pretty}
p strong{color:var(--text);font-weight:600}
form{margin:1.5rem 0 0}
label{display:block;margin:0 0 .375rem;font-size:.9375rem;font-weight:600}
input[type=email],input[type=text]{width:100%;height:3rem;padding:0 .875rem;font:inherit;color:inherit;
background:var(--card);border:1px solid var(--field);border-radius:.625rem}
input.code{height:3.5rem;padding-left:calc(.875rem + .35em);text-align:center;font-size:1.625rem;font-weight:600;
letter-spacing:.35em;font-variant-numeric:tabular-nums}
input[aria-invalid=true]{border-color:var(--wrong);box-shadow:inset 0 0 0 1px var(--wrong)}
select{width:100%;height:3rem;padding:0 .625rem;font:inherit;color:inherit;background:var(--card);border:1px solid var(--field);
border-radius:.625rem}
select+label{margin-top:1.25rem}
select[aria-invalid=true]{border-color:var(--wrong);box-shadow:inset 0 0 0 1px var(--wrong)}
.asked{margin:0 0 1rem;padding:0 1rem;list-style:none;background:var(--soft);border-radius:.625rem;overflow-wrap:anywhere}
.asked>li{padding:.625rem 0}
.asked>li+li{border-top:1px solid rgb(128 128 128/.28)}
.asked ul{margin:.375rem 0 0;padding:0;list-style:none}
h2{margin:2rem 0 .25rem;font-size:1.0625rem;line-height:1.3;font-weight:650}
.items{margin:0 0 1rem;padding:0;list-style:none}
.items>li{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;padding:.75rem 0;border-bottom:1px solid var(--line)}
.items>li:last-child{border:0}
.items div{flex:1 1 12rem;min-width:0;overflow-wrap:anywhere}
.items small{display:block;color:var(--quiet);font-size:.875rem;line-height:1.45}
.items small::first-letter{text-transform:uppercase}
.items form{display:flex;gap:1rem;margin:0}
.back{margin:1rem 0 0;text-align:center}
.back a{display:inline-block;padding:.5rem;color:var(--accent);font-weight:550;text-underline-offset:.2em}
.hint{margin:.5rem 0 0;font-size:.875rem;line-height:1.45}
form+.hint{margin-top:1rem}
.wrong,.done{margin:0 0 1rem;padding:.75rem .875rem;border-radius:.625rem;font-size:.9375rem;line-height:1.45;font-weight:500}
.wrong{background:var(--wrong-soft);color:var(--wrong)}
.done{background:var(--soft);color:var(--text)}
h1+.done{margin-top:1rem}
main>:last-child{margin-bottom:0}
button{font:inherit;cursor:pointer;overflow-wrap:anywhere}
button.main,.go a{width:100%;min-height:3rem;margin:1.25rem 0 0;padding:.5rem 1rem;border:1px solid var(--button-edge);border-radius:.625rem;
background:var(--button);color:var(--button-text);font-weight:650}
button.main:hover,.go a:hover{background:var(--button-hover)}
.go a{display:grid;place-items:center;color:var(--button-text);text-align:center;text-decoration:none}
button.other{width:100%;min-height:3rem;padding:.5rem 1rem;border:1px solid var(--field);border-radius:.625rem;background:none;
color:var(--text);font-weight:600}
button.other:hover{background:var(--soft)}
button:disabled{opacity:.6;cursor:default}
.or{display:flex;align-items:center;gap:.75rem;margin:1.25rem 0;font-size:.875rem}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line)}
[hidden]{display:none!important}
.more{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;margin:1rem 0 0}
.more button,.items button,.leave{min-height:2.5rem;padding:.25rem 0;border:0;background:none;color:var(--accent);font-size:.9375rem;font-weight:550;
text-decoration:underline;text-decoration-color:transparent;text-underline-offset:.2em}
.more button:hover,.items button:hover,.leave:hover{text-decoration-color:currentcolor}
.leave{display:block;width:100%;margin:1rem 0 -.5rem;padding-top:.75rem;border-top:1px solid var(--line);border-radius:0;
color:var(--quiet);font-weight:450}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.mark{width:100%;max-width:26rem;padding:.625rem .875rem;border:1px dashed var(--mark-line);border-radius:.75rem;
background:var(--mark-soft);color:var(--mark);font-size:.875rem;line-height:1.45;text-align:center;text-wrap:balance}
footer{display:flex;flex-wrap:wrap;justify-content:center;gap:0 1rem;max-width:26rem;color:var(--quiet);font-size:.8125rem;text-align:center}
footer a,footer span{padding:.25rem 0}
p a,footer a{color:var(--accent);text-underline-offset:.2em}
dl{margin:1.5rem 0 0;padding:1rem 0 0;border-top:1px solid var(--line);font-size:.875rem}
dt{color:var(--quiet)}
dd{margin:0 0 .75rem;overflow-wrap:anywhere}
dd:last-child{margin:0}
code{font:500 .8125rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media (max-width:30rem){body{justify-content:flex-start;padding:1rem .75rem}main{padding:1.5rem 1.25rem;border-radius:.875rem}}
@media (forced-colors:active){button.main,.go a{border-color:buttontext}}
`;

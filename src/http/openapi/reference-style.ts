import { PAGE_COLORS } from "../page-style.ts";

/** The stylesheet of the reference. The content security policy names its hash, so it is written out exactly so. */
export const REFERENCE_STYLE = `${PAGE_COLORS}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;display:grid;grid-template-columns:17rem minmax(0,1fr);background:var(--page);color:var(--text);
font:400 1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
a{color:var(--accent);text-underline-offset:.2em}
.skip{position:absolute;left:-99rem}
.skip:focus{left:.5rem;top:.5rem;padding:.5rem 1rem;background:var(--card);z-index:1}
nav{position:sticky;top:0;align-self:start;height:100vh;overflow:auto;padding:1.5rem 1.25rem;background:var(--card);
border-right:1px solid var(--line);font-size:.9375rem}
nav .home{display:block;margin:0 0 1.25rem;font-size:1.125rem;font-weight:680;letter-spacing:-.01em;color:var(--text);text-decoration:none}
nav .home small{display:block;font-size:.8125rem;font-weight:400;letter-spacing:0;color:var(--quiet)}
nav ul{margin:0;padding:0;list-style:none}
nav li{margin:0}
nav a{display:block;padding:.3125rem .625rem;border-radius:.5rem;color:var(--text);text-decoration:none;overflow-wrap:anywhere}
nav a:hover{background:var(--soft)}
nav a[aria-current]{background:var(--soft);color:var(--accent);font-weight:600}
nav ul ul{margin:.125rem 0 .5rem .625rem;padding-left:.5rem;border-left:1px solid var(--line);font-size:.875rem}
nav ul ul a{color:var(--quiet);padding:.1875rem .5rem}
main{min-width:0;max-width:82rem;padding:2rem clamp(1rem,3vw,3rem) 4rem}
h1{margin:0 0 .5rem;font-size:1.875rem;line-height:1.2;font-weight:680;letter-spacing:-.02em}
h2{margin:0 0 .375rem;font-size:1.25rem;line-height:1.3;font-weight:660;overflow-wrap:anywhere}
h2 a{color:inherit;text-decoration:none}
h2 a:hover{text-decoration:underline}
h3{margin:1.5rem 0 .375rem;font-size:.8125rem;font-weight:650;letter-spacing:.02em;color:var(--quiet)}
h3 small{font-weight:450;font-size:inherit}
p{margin:0 0 .75rem;overflow-wrap:anywhere}
.lead{margin:.5rem 0 0}
.intro{max-width:44rem;color:var(--quiet)}
article,.part{margin:1.5rem 0 0;padding:1.5rem;background:var(--card);border:1px solid var(--line);border-radius:1rem}
article{display:grid;gap:0 2rem;grid-template-columns:minmax(0,1fr) minmax(0,29rem)}
article>div{min-width:0}
.route{margin:0;font-size:.875rem}
.route b{display:inline-block;min-width:3.5rem;margin-right:.375rem;padding:.0625rem .5rem;border-radius:.375rem;text-align:center;
background:var(--soft);color:var(--accent);font-size:.75rem;font-weight:700;letter-spacing:.03em}
.route b.delete{background:var(--wrong-soft);color:var(--wrong)}
.route b.patch,.route b.put{background:var(--mark-soft);color:var(--mark)}
code{font:500 .8125rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
pre{margin:0;padding:1rem;overflow:auto;max-height:32rem;border:1px solid var(--line);border-radius:.625rem;background:var(--page)}
pre code{white-space:pre-wrap;word-break:break-all}
.more{margin:.375rem 0 0;color:var(--quiet)}
.code{position:sticky;top:1rem;align-self:start}
.code h3:first-child{margin-top:0}
.scope{display:inline-block;margin:.125rem 0;padding:.0625rem .5rem;border-radius:1rem;background:var(--soft);color:var(--accent)}
.needs,.errors,.members{margin:0;padding:0;list-style:none;font-size:.9375rem}
.errors li{padding:.1875rem 0 .1875rem 3rem;text-indent:-3rem;color:var(--quiet)}
.errors b{display:inline-block;width:3rem;text-indent:0;color:var(--text);font-variant-numeric:tabular-nums}
.members>li{padding:.4375rem 0;border-top:1px solid var(--line)}
.members>li:first-child{border-top:0}
.members p{margin:.125rem 0 0;color:var(--quiet);font-size:.875rem}
.members .name{font-weight:650}
.type{color:var(--quiet);font-size:.875rem;overflow-wrap:anywhere}
.needed{color:var(--wrong);font-size:.8125rem;font-weight:600}
details{margin:.375rem 0 0}
summary{display:inline-block;padding:.125rem 0;cursor:pointer;color:var(--accent);font-size:.875rem}
summary::before{content:"+ "}
details[open]>summary::before{content:"\\2212  "}
details>.members{margin:.25rem 0 0;padding-left:.875rem;border-left:2px solid var(--line)}
table{width:100%;border-collapse:collapse;font-size:.9375rem}
th,td{padding:.4375rem .75rem .4375rem 0;border-top:1px solid var(--line);text-align:left;vertical-align:top}
thead th{border-top:0;color:var(--quiet);font-size:.8125rem;font-weight:600}
td:first-child{white-space:nowrap}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media (max-width:80rem){article{grid-template-columns:minmax(0,1fr)}.code{position:static;margin-top:1.5rem}}
@media (max-width:52rem){body{display:block}nav{position:static;height:auto;border-right:0;border-bottom:1px solid var(--line);padding:1rem}
nav>ul{display:flex;flex-wrap:wrap;gap:.125rem}nav ul ul{display:none}nav .home{margin:0 0 .5rem}main{padding-top:1.25rem}
article,.part{padding:1.125rem 1rem;border-radius:.875rem}td:first-child{white-space:normal}}
@media print{nav{display:none}body{display:block}}
`;

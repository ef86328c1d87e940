#include "clinical/report/page_style.h"

namespace marrow {

std::string_view page_style() {
  return R"css(
:root{--bg:#fff;--soft:#f4f6f8;--line:#d5dbe1;--text:#17202a;--quiet:#55606c;--link:#005a92;
--warn:#8a4300;--warnbg:#fff4e5;--grid:#e3e8ec;
--c1:#0072b2;--c2:#d55e00;--c3:#009e73;--c4:#b4568b;--c5:#b07a00;--c6:#3a9bd6}
@media screen and (prefers-color-scheme:dark){:root{--bg:#12161a;--soft:#1c2229;--line:#39434d;
--text:#e8edf1;--quiet:#a3afba;--link:#7cc4f2;--warn:#ffc069;--warnbg:#2d2415;--grid:#2b333b;
--c1:#56b4e9;--c2:#e69f00;--c3:#2fc39a;--c4:#dd94bd;--c5:#f0e442;--c6:#f07b2e}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0 auto;max-width:1120px;padding:1.5rem clamp(.9rem,3vw,2.2rem) 3rem;background:var(--bg);
color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",
sans-serif;overflow-wrap:break-word}
h1{font-size:clamp(1.45rem,1.1rem + 1.6vw,2.1rem);line-height:1.22;margin:.5rem 0 .35rem;letter-spacing:-.01em;
text-wrap:balance}
.subject{font-size:1.08rem;color:var(--quiet);margin:.2rem 0 0}
h2{font-size:1.4rem;line-height:1.3;margin:3rem 0 .8rem;padding-top:.9rem;border-top:1px solid var(--line)}
h3{font-size:1.08rem;line-height:1.35;margin:1.8rem 0 .5rem}
p{margin:.5rem 0;max-width:75ch}
ul{margin:.5rem 0;padding-left:1.2rem;max-width:75ch}
li{margin:.25rem 0}
a{color:var(--link)}
.unbroken{white-space:nowrap}
small,.quiet{color:var(--quiet)}
.kind{display:flex;flex-wrap:wrap;gap:.3rem .9rem;align-items:center;font-size:.9rem;color:var(--quiet);margin:0}
.research{display:inline-block;padding:.12rem .65rem;border:1px solid currentColor;border-radius:1rem;
color:var(--warn);background:var(--warnbg);font-weight:600;font-size:.85rem}
nav{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:1.4rem 0 0;font-size:.92rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(15rem,100%),1fr));gap:.9rem;margin:1.4rem 0 .6rem}
.card{background:var(--soft);border-radius:.6rem;padding:.9rem 1.1rem 1rem;border-top:4px solid var(--line);
break-inside:avoid}
.card:nth-child(1){border-top-color:var(--c1)}.card:nth-child(2){border-top-color:var(--c2)}
.card:nth-child(3){border-top-color:var(--c3)}
.card p{margin:0}
.card .label{font-size:.92rem;color:var(--quiet)}
.card .value{font-size:2.3rem;line-height:1.2;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.card .value small{font-size:1rem;font-weight:400;letter-spacing:0}
.card .interval{font-variant-numeric:tabular-nums}
.card .note{font-size:.88rem;color:var(--quiet);margin-top:.3rem}
table{border-collapse:collapse;width:100%;margin:.8rem 0 1.2rem;font-size:.95rem}
table.narrow{width:auto;min-width:min(26rem,100%)}
caption{text-align:left;font-weight:600;padding:.2rem 0 .4rem}
th,td{text-align:left;vertical-align:top;padding:.38rem .8rem .38rem .2rem;border-bottom:1px solid var(--grid);font-weight:400}
thead th{font-weight:600;vertical-align:bottom;border-bottom:2px solid var(--line)}
thead small{display:block;font-weight:400;font-size:.8rem;line-height:1.3;max-width:17rem}
.n{text-align:right;font-variant-numeric:tabular-nums}
th.n small{margin-left:auto}
td small,th[scope=row] small{font-size:.83rem;white-space:nowrap}
.scroll{overflow-x:auto}
table.confusion{width:auto}
.confusion th,.confusion td{padding:.45rem .7rem;border:1px solid var(--line)}
.confusion tbody th{font-weight:600;max-width:16rem}
.confusion td{white-space:nowrap;background:rgb(0 114 178/calc(var(--p)*.45));min-width:4.6rem}
.confusion td.right{outline:2px solid var(--text);outline-offset:-3px}
.confusion small{display:block}
.confusion td small{color:inherit}
code{font:.88em/1.5 ui-monospace,"Cascadia Mono","DejaVu Sans Mono",Menlo,monospace;overflow-wrap:anywhere}
pre{font:.84rem/1.5 ui-monospace,"Cascadia Mono","DejaVu Sans Mono",Menlo,monospace;background:var(--soft);
padding:.8rem 1rem;border-radius:.4rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:.6rem 0}
details{margin:.6rem 0}
summary{cursor:pointer;color:var(--link);padding:.15rem 0}
figure{margin:0;break-inside:avoid}
figcaption{font-size:.88rem;color:var(--quiet);line-height:1.4;margin-top:.25rem}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(11rem,46%),1fr));gap:.6rem .7rem;align-items:start}
.panels.three{grid-template-columns:repeat(3,1fr);max-width:840px}
.panels[hidden]{display:none}
.panels img{display:block;width:100%;height:auto;max-height:30rem;object-fit:contain;background:#000;border-radius:.3rem}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(26rem,100%),1fr));gap:1.4rem 2rem;margin:.8rem 0 1.6rem;
align-items:start}
.pairs.large{grid-template-columns:minmax(0,840px)}
.pair{break-inside:avoid}
.pair h4 small{font-weight:400;margin-left:.4rem}
.pair>p{margin:.1rem 0 .5rem;font-size:.93rem}
.pair .panels>p{font-size:.88rem;margin:0}
.case{margin:1.4rem 0 2rem;break-inside:avoid}
.case h3{margin-bottom:.2rem}
.case h3 .rank{display:inline-block;min-width:4.6rem;padding:0 .5rem;margin-right:.55rem;border-radius:.3rem;
background:var(--soft);border:1px solid var(--line);text-align:center;font-weight:600;font-size:.92em}
.case>p{margin:.1rem 0 .6rem;font-size:.93rem;max-width:none}
.slider{display:flex;align-items:center;gap:.8rem;margin:.6rem 0 0;font-size:.9rem}
.slider[hidden]{display:none}
.slider input{flex:1;min-width:6rem;max-width:36rem;accent-color:var(--c1)}
.slider output{font-variant-numeric:tabular-nums;min-width:10rem;color:var(--quiet)}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.2rem;list-style:none;padding:.5rem .8rem;margin:.6rem 0;
background:var(--soft);border-radius:.4rem;font-size:.9rem;max-width:none}
.legend li{display:flex;align-items:center;gap:.45rem;margin:0}
.legend svg{flex:none;width:34px;height:18px;border-radius:.2rem}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(25rem,100%),1fr));gap:1.4rem 1.6rem;margin:1rem 0;
align-items:start}
.charts figure{max-width:600px}
.chart{display:block;width:100%;height:auto;overflow:visible}
.chart text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;fill:var(--text);
font-variant-numeric:tabular-nums}
.chart .tick{fill:var(--quiet);font-size:12px}
.chart .grid{stroke:var(--grid);stroke-width:1}
.chart .axis{stroke:var(--quiet);stroke-width:1}
.chart .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.chart .band{stroke:none;opacity:.18}
.chart .whisker{stroke-width:2;fill:none}
.chart .link{stroke:var(--quiet);stroke-width:1.5}
.chart .faint{opacity:.55}
.s1{--s:var(--c1)}.s2{--s:var(--c2)}.s3{--s:var(--c3)}.s4{--s:var(--c4)}.s5{--s:var(--c5)}.s6{--s:var(--c6)}
.chart .line,.chart .whisker,.chart .open{stroke:var(--s)}
.chart .band,.chart .mark{fill:var(--s)}
.chart .mark{stroke:var(--bg);stroke-width:1}
.chart .open{fill:none;stroke-width:2}
.chart text.series{fill:var(--s);font-weight:600}
h4{font-size:.98rem;margin:0 0 .3rem;line-height:1.3}
.flow,.flow ul{list-style:none;margin:0;padding:0;max-width:none}
.flow>li{margin:0;display:grid;grid-template-columns:minmax(0,17rem) minmax(0,1fr);column-gap:1.6rem;align-items:center}
.flow .arrow{grid-column:1;justify-self:center;line-height:1.35;font-size:1.15rem;color:var(--quiet)}
.flow .stage{grid-column:1;display:flex;align-items:center;gap:.8rem;border:1px solid var(--line);border-left:4px solid var(--c1);
border-radius:.35rem;background:var(--soft);padding:.4rem .8rem;line-height:1.3;break-inside:avoid}
.flow .stage strong{font-size:1.65rem;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums;min-width:3rem;text-align:right;
white-space:nowrap;flex:none}
.flow .stage small{display:block;line-height:1.3}
.flow .losses{grid-column:2;position:relative;padding-left:.4rem;border-left:2px dashed var(--quiet);font-size:.93rem;line-height:1.4}
.flow .losses::before{content:"";position:absolute;right:100%;top:50%;width:1.5rem;border-top:2px dashed var(--quiet)}
.flow .losses li{display:flex;gap:.6rem;margin:.1rem 0}
.flow .losses b{flex:none;font-weight:600;font-variant-numeric:tabular-nums;min-width:2.2rem;text-align:right;color:var(--warn)}
.branches{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(15.5rem,100%),1fr));gap:0 1.4rem;align-items:start;max-width:54rem}
.branches::before{content:"";grid-column:1/-1;margin-left:8.5rem;height:.6rem;border-left:2px solid var(--quiet)}
.branches .flow{position:relative;border-top:2px solid var(--quiet)}
.branches .flow+.flow::before{content:"";position:absolute;top:-2px;right:100%;width:1.4rem;border-top:2px solid var(--quiet)}
.branches .flow>li{grid-template-columns:minmax(0,1fr)}
.branches .flow .losses{grid-column:1;margin:.45rem 0 .1rem 1.2rem}
.branches .flow .losses::before{display:none}
footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.9rem;color:var(--quiet)}
:focus-visible{outline:3px solid var(--c1);outline-offset:2px}
@media (max-width:620px){
h2{margin-top:2.2rem}
.panels:not(.three){grid-template-columns:repeat(2,1fr)}
.panels.three{gap:.4rem}
.panels.three figcaption{font-size:.78rem}
table.narrow{width:100%}
table.narrow th,table.narrow td{padding-right:.4rem}
.confusion th,.confusion td{padding:.25rem .28rem;font-size:.8rem;min-width:0}
.confusion.many td small,.confusion .name{display:none}
table.wide,table.wide tbody,table.wide tr,table.wide td,table.wide th,table.wide caption{display:block}
table.wide thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.wide tr{padding:.5rem 0;border-bottom:1px solid var(--line)}
table.wide th[scope=row]{font-weight:600;border:0;padding:.1rem 0}
table.wide td{display:flex;justify-content:space-between;gap:1rem;text-align:right;border:0;padding:.1rem 0}
table.wide td::before{content:attr(data-label);color:var(--quiet);text-align:left}
.flow>li{grid-template-columns:minmax(0,1fr)}
.flow .losses{grid-column:1;margin:.45rem 0 .1rem 1.2rem}
.flow .losses::before,.branches::before,.branches .flow+.flow::before,.branches .flow>li:first-child>.arrow{display:none}
.branches{margin:.6rem 0 0 1.2rem;padding-left:.9rem;border-left:2px solid var(--quiet)}
.branches .flow{border-top:0}
.branches .flow+.flow{margin-top:1rem}
.slider{flex-wrap:wrap;gap:.2rem .8rem}.slider input{flex-basis:100%;order:3}
}
@page{size:A4;margin:14mm 13mm}
@media print{
:root{--bg:#fff;--soft:#f4f6f8;--line:#c5ccd3;--text:#000;--quiet:#44505c}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
html{font-size:10pt}
body{padding:0;max-width:none}
.whole{break-inside:avoid}
nav,.slider{display:none}
h2{margin-top:1.4rem}
h2,h3,h4,caption,thead{break-after:avoid}
.cards{grid-template-columns:repeat(3,1fr)}
.panels:not(.three){grid-template-columns:repeat(4,1fr)}
.charts,.pairs:not(.large){grid-template-columns:repeat(2,1fr)}
.card .value{font-size:1.7rem}
tr{break-inside:avoid}
a{color:inherit;text-decoration:none}
}
)css";
}

std::string_view page_script() {
  return R"js(
document.querySelectorAll('.case').forEach(function (box) {
  var slider = box.querySelector('.slider');
  if (!slider) return;
  var frames = box.querySelectorAll('.panels');
  var input = slider.querySelector('input');
  var output = slider.querySelector('output');
  function show() {
    frames.forEach(function (frame, i) { frame.hidden = i !== Number(input.value); });
    output.textContent = frames[input.value].getAttribute('data-name');
  }
  input.addEventListener('input', show);
  slider.hidden = false;
  show();
});
)js";
}

}  // namespace marrow

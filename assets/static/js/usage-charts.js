// Draws the charts of usage pages from json_script data. Colours come from CSS variables and are read again on a theme change.
(function () {
  "use strict";
  function css(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

  function series(data, each) {
    var last = data.labels.length - 1;
    if (data.kind === "bars") {
      // A pattern beside the colour, for whoever cannot tell the colours apart.
      var decal = each.mark === "none" ? { symbol: "none" } : { symbol: each.mark, symbolSize: 0.6, dashArrayX: [[6, 6], [0, 6, 6, 0]], dashArrayY: [6, 2], color: "rgba(255,255,255,0.45)" };
      return {
        name: each.name, type: "bar", stack: "all", barMaxWidth: 24, itemStyle: { color: each.color, decal: decal },
        emphasis: { focus: "series" },
        data: each.data.map(function (value, index) {
          // The running interval is not over: a dashed outline says so.
          if (!data.running || index !== last) return value;
          return { value: value, itemStyle: { color: each.color, decal: decal, opacity: 0.6, borderColor: css("--gh-text"), borderType: "dashed", borderWidth: value ? 1 : 0 } };
        })
      };
    }
    return {
      name: each.name, type: "line", data: each.data, connectNulls: false, showSymbol: each.data.filter(function (v) { return v !== null; }).length < 30,
      symbolSize: 5, lineStyle: { color: each.color, type: each.mark, width: 2 }, itemStyle: { color: each.color }
    };
  }

  function option(data) {
    var text = css("--gh-muted"), line = css("--gh-border");
    return {
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: text },
      grid: { left: 8, right: 16, top: 40, bottom: 8, containLabel: true },
      legend: { type: "scroll", top: 0, left: 0, right: 0, pageTextStyle: { color: text }, pageIconColor: text, textStyle: { color: text }, inactiveColor: line },
      tooltip: {
        trigger: "axis", renderMode: "richText", confine: true,
        backgroundColor: css("--gh-surface"), borderColor: line, textStyle: { color: css("--gh-text") },
        valueFormatter: function (value) { return value === null || value === undefined ? "no data" : value.toLocaleString("en") + (data.unit ? " " + data.unit : ""); }
      },
      xAxis: { type: "category", data: data.labels, axisLabel: { color: text, hideOverlap: true }, axisLine: { lineStyle: { color: line } }, axisTick: { show: false } },
      yAxis: { type: "value", min: 0, minInterval: data.kind === "bars" ? 1 : 0, axisLabel: { color: text }, splitLine: { lineStyle: { color: line } } },
      series: data.series.map(function (each) { return series(data, each); })
    };
  }

  function draw(box) {
    var source = document.getElementById(box.dataset.chart);
    if (!source || !window.echarts) return;
    var chart = echarts.getInstanceByDom(box) || echarts.init(box, null, { renderer: "canvas" });
    chart.setOption(option(JSON.parse(source.textContent)), true);
  }
  function all(work) { document.querySelectorAll("[data-chart]").forEach(work); }

  document.addEventListener("DOMContentLoaded", function () { all(draw); });
  document.addEventListener("gh:theme", function () { all(draw); });
  document.addEventListener("htmx:after:swap", function () { all(draw); });
  window.addEventListener("resize", function () {
    all(function (box) { var chart = window.echarts && echarts.getInstanceByDom(box); if (chart) chart.resize(); });
  });
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-chart-png]");
    if (!button || !window.echarts) return;
    var chart = echarts.getInstanceByDom(document.querySelector('[data-chart="' + button.dataset.chartPng + '"]'));
    if (!chart) return;
    var link = document.createElement("a");
    link.href = chart.getDataURL({ pixelRatio: 2, backgroundColor: css("--gh-surface") });
    link.download = button.dataset.chartPng + ".png";
    link.click();
  });
})();

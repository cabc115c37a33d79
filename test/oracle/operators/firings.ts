/**
 * All that windows with the trigger of event time emit, in SQL, where the watermark before each event is known: once when
 * the watermark reaches the last timestamp of a window, then once for each event that comes into it after that (semantics
 * 2.3). `assigned` selects events with the `start` and `end` of their window, once for each window.
 */
export function firings(assigned: string): string {
  return `
    with assigned as (${assigned}),
    marks as (select seq as fired_at, watermark as reached from events),
    first_firings as (
      select key, start, "end", count(*) as c, sum(n) as s, sum(id) as i, sum(id::bigint * id) as q,
        coalesce((select min(fired_at) from marks where reached >= "end" - 1), 1e9) as place, 0 as late, "end" as tie
      from assigned where watermark < "end" - 1 group by key, start, "end"
    ),
    late_firings as (
      select key, start, "end", count(*) over w, sum(n) over w, sum(id) over w, sum(id::bigint * id) over w,
        seq as place, 1 as late, -start as tie, watermark
      from assigned window w as (partition by key, start, "end" order by seq rows unbounded preceding)
      qualify watermark >= "end" - 1
    ),
    all_firings as (select * from first_firings union all select * exclude (watermark) from late_firings)
    select key, start, "end", c, s::bigint, i::bigint, q::bigint, "end" - 1 from all_firings order by place, late, tie`
}

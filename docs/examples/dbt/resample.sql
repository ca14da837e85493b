{#-
  Downsample or replicate classes in SQL alone: the rows that RandomUnderSampler and RandomOverSampler of spark_balance
  give for exact=False and a key. Copy this file into the macros of a dbt project.

      {{ resample(ref('payments'), label='is_fraud', key='payment_id',
                  rows={0: 1994000, 1: 6000}, after={0: 60000}, random_state=42) }}

  relation      what to read
  label         the column with the classes
  key           a unique key, or a list: integers, strings, dates, timestamps, booleans, decimals of up to 18 digits
  rows          the rows of each class that changes, as they were counted
  after         the rows that it is to have on average; a class that is not named stays as it is
  random_state  the seed, 0 to 9 or 42; for another give the streams (keep, replicate), which this prints for seed 7:
                python -c "from spark_balance.kernels.draws import stream as s; print(s(7, 'keep'), s(7, 'replicate'))"
-#}
{%- macro resample(relation, label, key, rows, after, random_state=0, streams=none) -%}
{%- set known = {
  0: (-7907835820112035318, -8144633554433303233),
  1: (-2348830354600306253, 724713465982566395),
  2: (5333261521985264962, 4015961353914586843),
  3: (5186866548511443029, -7823513355823552978),
  4: (4931861510485756749, -6909551907984343888),
  5: (-1168380543358453614, 4497158489495320331),
  6: (-2506381966425517817, 4093111093661514758),
  7: (6529156429434537564, -6671940563007626709),
  8: (-7840316679218763891, 8554351571879620927),
  9: (-4079662736602906975, -7731374150462401204),
  42: (1772984841241732194, 7506340330303528653),
} -%}
{%- set keep, replicate = streams or known[random_state] -%}
{%- set hashed = [] -%}
{%- for name in (([key] if key is string else key) | sort(case_sensitive=true)) -%}
  {%- do hashed.append(resample_name(name)) -%}
{%- endfor -%}
{%- set hashed = (hashed | join(', ')) ~ ', ' ~ (hashed | join(' is null, ')) ~ ' is null' -%}
select r.* from {{ relation }} as r lateral view explode(filter(sequence(0, case
{%- for class, wanted in after.items() %}
  {%- set there = rows[class] %}
  when {{ resample_name(label) }} <=> {{ resample_literal(class) }} then {{ wanted // there }}
  {%- if wanted % there %} + cast(xxhash64(cast({{ keep if wanted < there else replicate }} as bigint),
    xxhash64({{ hashed }}),
    xxhash64(cast(1537320910 as bigint), {{ hashed }}),
    cast(0 as bigint)) <= {{ resample_limit(wanted % there / there) }} as int)
  {%- endif %}
{%- endfor %}
  else 1 end), copy -> copy > 0)) copies as copy
{%- endmacro %}

{#- Quote a column. -#}
{%- macro resample_name(name) -%} `{{ name | replace('`', '``') }}` {%- endmacro %}

{#- Write a label. -#}
{%- macro resample_literal(class) -%}
  {%- if class is string -%} '{{ class | replace('\\', '\\\\') | replace("'", "\\'") }}'
  {%- else -%} {{ class | lower if class is boolean else class }} {%- endif -%}
{%- endmacro %}

{#- Write the draw below which a share of all 64-bit draws lies. -#}
{%- macro resample_limit(share) -%} {{ (share * 2 ** 64) | round | int - 2 ** 63 }} {%- endmacro %}

